//! What a server tolerates beyond the RFC, and what it checks beyond it: named quirks and
//! validations.
//!
//! This table is the only place where the habits of particular identity providers are known. The
//! crates that meet an input that the RFC does not allow ask [`Profile::tolerates`] for the quirk
//! of that name and, when it is on, record that it fired.

use std::fmt;

/// A thing that real clients send and the RFC does not provide for.
///
/// Captures are named as in the corpus that the tests replay (`idp-captures/`); a test keeps that true.
/// Where no capture shows a quirk, it is said what else does, or that nothing was found.
///
/// Non-exhaustive: clients will think of more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Quirk {
    /// `"op": "Replace"`: operation names in another case than the RFC's. Sent by Entra.
    ///
    /// Harmless: RFC 7644 §3.5.2 closes the list of three, and none differs from another in case
    /// only (errata.md P13).
    ///
    /// Capture: `entra/13-patch-user-userName`.
    OperationCase,
    /// A request body without `schemas`. Sent by Okta integrations and scripts (PATCH).
    ///
    /// Harmless: the endpoint says what the body is.
    ///
    /// Capture: `okta/36-patch-no-schemas-deactivate`.
    MissingSchemas,
    /// A URI in `schemas` that the resource type does not know, such as Entra's second group
    /// schema. It is dropped.
    ///
    /// Harmless to a correct client: it names only schemas that `/ResourceTypes` lists.
    ///
    /// Capture: `entra/34-create-group`.
    UnknownSchemaUris,
    /// `"True"` and `"False"`, in any case, for a boolean: in bodies, PATCH values and filters.
    /// Sent by Entra without its `aadOptscim062020` flag.
    ///
    /// Harmless: no text is a value of a boolean attribute.
    ///
    /// Capture: `entra/15-disable-user-string-False`.
    BooleanStrings,
    /// A filter literal without quotes, `externalId eq jyoung` or `displayName eq Tour Guides`, or in
    /// single ones, `'J Young'`. The first is printed in Entra's documentation, and authentik 2025.8
    /// sent it ([authentik#16455](https://github.com/goauthentik/authentik/issues/16455)); one with
    /// spaces is in [product-is#7663](https://github.com/wso2/product-is/issues/7663). It ends before
    /// an `and` or `or`.
    ///
    /// Harmless: no correct filter has a bare word there except `true`, `false` and `null`, which
    /// keep their meaning.
    ///
    /// Capture: `entra/05-lookup-user-externalId-unquoted`.
    UnquotedFilterValues,
    /// `not userName eq "x"`, without parentheses; it binds to the comparison that follows.
    ///
    /// Harmless: the grammar has no other reading of it.
    ///
    /// No capture shows it, and no report of a client that sends it was found. The suites of
    /// scimmyjs/scimmy, thomaspoignant/scim2-parse-filter and Pagerous/scimpler take it, that of
    /// pingidentity/scim2 refuses it.
    NotWithoutParentheses,
    /// `emails[type eq "work"].value eq "x"` as a filter: an element that meets both. Sent by Entra where
    /// users are matched by an address.
    ///
    /// Harmless: the filter grammar has nothing after the bracket (errata.md F12).
    ///
    /// No capture shows it. Microsoft demands it of servers
    /// ([scimitar#115](https://github.com/pond/scimitar/issues/115) quotes that), its validator sends it
    /// ([scim-filter-parser#10](https://github.com/tmilos/scim-filter-parser/issues/10)), and a server's log
    /// has it ([fusionauth-issues#2456](https://github.com/FusionAuth/fusionauth-issues/issues/2456)). Its
    /// documentation printed the form without `.value`, too
    /// ([azure-docs#83855](https://github.com/MicrosoftDocs/azure-docs/issues/83855)).
    FilterSubAttribute,
    /// An extension's attribute without its URN: `manager`, `department`, in paths, filters and
    /// bodies. Sent by Entra.
    ///
    /// Harmless: it is looked up only when the core schema has no attribute of that name.
    ///
    /// Capture: `entra/20-add-manager-array-ref`.
    UnqualifiedExtensionAttributes,
    /// `"name.givenName": "…"` as a key of an object. Sent by Entra in PATCH values without path.
    ///
    /// Harmless: no attribute name holds a dot (RFC 7643 §2.1).
    ///
    /// Capture: `entra/19-patch-multi-with-flag-dotted-keys`.
    DottedKeys,
    /// `"urn:…:User:employeeNumber": "…"` as a key of an object. Sent by Entra in PATCH values
    /// without path.
    ///
    /// Harmless: a key with the URN of a registered schema and an attribute of it has no other
    /// meaning.
    ///
    /// Capture: `entra/19-patch-multi-with-flag-dotted-keys`.
    UrnKeys,
    /// A path with a filter as a key of a PATCH value without path:
    /// `{"emails[type eq \"work\"].value": "…"}`. It is an operation on that path. Sent by Entra's
    /// validator of SCIM servers
    /// ([SCIM-SDK#416](https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/416)).
    ///
    /// Harmless: no attribute name holds a bracket (RFC 7643 §2.1).
    ///
    /// No capture shows it; that report is what there is.
    PathKeys,
    /// An array around the value of an attribute that has one value. Sent by Entra (`manager`).
    ///
    /// Harmless: only an array of one element is taken, or an empty one as no value.
    ///
    /// Capture: `entra/20-add-manager-array-ref`.
    ArrayForSingular,
    /// One value where an array belongs: `"emails": {…}`.
    ///
    /// Harmless: it can only mean the array of that value.
    ///
    /// Capture: `onelogin/08-emails-as-object`.
    SingularForArray,
    /// A bare string for a complex attribute that has a `value`: `"manager": "26118915"`. Sent by
    /// Entra.
    ///
    /// Harmless: it can only mean `{"value": "26118915"}`.
    ///
    /// Capture: `entra/21-add-manager-bare-string`.
    BareStringForComplex,
    /// An object with `value` for an attribute that is not complex:
    /// `[{"$ref": null, "value": "Babs"}]` for a `displayName`. Sent by clients made for Microsoft's
    /// first library of SCIM servers
    /// ([azure-docs#42220](https://github.com/MicrosoftDocs/azure-docs/issues/42220)).
    ///
    /// Harmless: no object fits such an attribute.
    ///
    /// No capture shows it; the report prints the request. None of an identity provider that sends it
    /// was found.
    ObjectForSimple,
    /// A number for an attribute whose values are texts: `"employeeNumber": 701984`. It is the text of
    /// that number.
    ///
    /// Harmless: no number fits such an attribute.
    ///
    /// No capture shows it, and no report of a client that sends it was found. What is known is servers
    /// that answer so: the user that Okta's guide to entitlements prints
    /// (<https://developer.okta.com/docs/guides/scim-with-entitlements/main/>), and members with numbers
    /// for ids ([authentik#15533](https://github.com/goauthentik/authentik/issues/15533)).
    NumberForText,
    /// A complex value, an array of such, or the whole value of a PATCH without path, as JSON text:
    /// `"roles": "[{\"value\": \"25\"}]"`, `"roles": ["{\"value\": \"25\"}"]`. It is what the text
    /// says; a `displayName` becomes the `display`. Expected of Entra's role mappings
    /// ([SCIM-SDK#516](https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/516)).
    ///
    /// Harmless: no text fits there.
    ///
    /// No capture shows it. Who reports the other form, [`Quirk::JsonInString`], expects this one; and a
    /// server got a text where an array of roles belongs from `AssertiveAppRoleAssignmentsComplex`
    /// ([directory-scimple#693](https://github.com/apache/directory-scimple/issues/693)), of which the
    /// report does not print what it said.
    JsonText,
    /// An object as JSON text inside the `value` of a multi-valued attribute:
    /// `{"value": "{\"value\":\"25\",\"displayName\":\"Admin\"}"}`. Sent by Entra for roles.
    ///
    /// It hurts a client whose values are JSON objects as text, with `value` in them: so
    /// [`Profile::INTEROP`] has it only in a PATCH whose message is not the RFC's anyway
    /// ([`Profile::for_message`]). Entra's operation names begin with a capital.
    ///
    /// Capture: `entra/23-roles-patch-json-in-string`.
    JsonInString,
    /// A PATCH path whose filter matches nothing, `emails[type eq "work"].value`, with `add` or
    /// `replace`: the element is made, with the filter's own equalities. Sent by Entra.
    ///
    /// RFC 7644 §3.5.2.3 would answer `noTarget`; a client that relies on that error is hurt.
    ///
    /// Capture: `entra/27-address-formatted-replace-when-absent`.
    ValueFilterCreates,
    /// `remove` with a `value`: it removes the values it names and no others. Sent by Entra for
    /// group members.
    ///
    /// Harmless: RFC 7644 §3.5.2.2 gives `remove` no value, and ignoring it would empty the group.
    ///
    /// Capture: `entra/38-remove-member-value-array`.
    RemoveWithValue,
    /// A PATCH operation on an attribute that no schema defines, or with one in the filter of its path:
    /// it is left out, the others are applied. Sent by Okta and Entra with attribute mappings the server does not know.
    ///
    /// A client that counts on `invalidPath` or `invalidFilter` is hurt.
    ///
    /// Capture: `okta/38-patch-unknown-attributes`.
    IgnoreUnknownPaths,
    /// `""` where no empty text can stand, for "no value": for a boolean, a number, a date, a complex
    /// attribute as a whole, and the `value` of a reference such as `manager` or a member; and
    /// `filter=` with nothing after it, as no filter.
    ///
    /// Harmless: an empty text is none of these, nor is it the id of a resource (RFC 7643 §3.1), and a
    /// filter has one expression at least (RFC 7644 §3.4.2.2).
    ///
    /// No capture shows it. A `manager` that is replaced by `""` is reported of a server that is set up
    /// for Entra ([SCIM-SDK#652](https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/652)). Of `filter=`
    /// it is only known that servers get it, and disagree
    /// ([SimpleIdServer#604](https://github.com/simpleidserver/SimpleIdServer/issues/604)).
    EmptyWhereNoText,
    /// `""` for "no value" of an attribute whose values are texts: as `null`. Said to be sent by Entra to
    /// clear an attribute.
    ///
    /// It hurts a client that means an empty text and not an unassigned attribute, and reads it back:
    /// so [`Profile::INTEROP`] has it only in a PATCH whose message is not the RFC's anyway
    /// ([`Profile::for_message`]), and of the presets only Entra's have it. To filters both are the
    /// same.
    ///
    /// No capture shows it, and no report of a client that clears so was found. Microsoft says that its
    /// provisioning sends nothing for a value that is gone
    /// (<https://learn.microsoft.com/en-us/entra/identity/app-provisioning/known-issues>), so that only
    /// an expression in a mapping can give `""`; and one report means the empty text
    /// ([SimpleIdServer#295](https://github.com/simpleidserver/SimpleIdServer/issues/295)).
    EmptyMeansUnassigned,
    /// A POST in a bulk request without a `bulkId`; it is answered without one (errata.md B4).
    ///
    /// Harmless: RFC 7644 §3.7 has the client name what it wants to refer to, and this one refers
    /// to nothing.
    ///
    /// No capture shows it, and no report of a client in use was found: a server had a case for it
    /// ([scimono#200](https://github.com/SAP-archive/scimono/pull/200)), and a client's type lets it be
    /// left out ([module-ballerinax-scim#2](https://github.com/ballerina-platform/module-ballerinax-scim/pull/2)).
    MissingBulkId,
    /// The URI of a schema spelled otherwise: without the colon before its last part
    /// (`…:extension:enterprise:2.0User`, in Entra's documentation), as it was in drafts and in
    /// SCIM 1.1 (`urn:scim:schemas:extension:enterprise:1.0`), or as OneLogin has it
    /// (`urn:scim:schemas:extension:enterprise:2.0`); in bodies, PATCH paths and filters. It means
    /// the schema, so that the data under it is not lost.
    ///
    /// Harmless: it is looked up only when no schema has the URI itself, and no other schema of the
    /// type can have such a one, since `urn:ietf:params:scim:` is a registry (RFC 7643 §10).
    ///
    /// Capture: `onelogin/03-put-user-non-ietf-urns`.
    SchemaSpellings,
    /// The PATCH of SCIM 1.1: a body without `Operations` that is a part of the resource, in which
    /// elements with `"operation": "delete"` are to be removed. Sent by OneLogin for members.
    ///
    /// Harmless: a body with the URN of a PatchOp, or with `Operations`, is not read so, and any
    /// other is not a PATCH of RFC 7644.
    ///
    /// Capture: `onelogin/06-patch-group-remove-member-v1`.
    Scim1Patch,
}

impl Quirk {
    /// Every quirk, in the order of the table.
    pub const ALL: [Self; 26] = [
        Self::OperationCase,
        Self::MissingSchemas,
        Self::UnknownSchemaUris,
        Self::BooleanStrings,
        Self::UnquotedFilterValues,
        Self::NotWithoutParentheses,
        Self::FilterSubAttribute,
        Self::UnqualifiedExtensionAttributes,
        Self::DottedKeys,
        Self::UrnKeys,
        Self::PathKeys,
        Self::ArrayForSingular,
        Self::SingularForArray,
        Self::BareStringForComplex,
        Self::ObjectForSimple,
        Self::NumberForText,
        Self::JsonText,
        Self::JsonInString,
        Self::ValueFilterCreates,
        Self::RemoveWithValue,
        Self::IgnoreUnknownPaths,
        Self::EmptyWhereNoText,
        Self::EmptyMeansUnassigned,
        Self::MissingBulkId,
        Self::SchemaSpellings,
        Self::Scim1Patch,
    ];

    const fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A set of quirks: those a profile tolerates, or those that fired in a request.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks(u64);

impl Quirks {
    /// No quirk.
    pub const NONE: Self = Self(0);
    /// Every quirk of the table.
    pub const ALL: Self = Self::NONE.with_all(&Quirk::ALL);

    const fn with_all(mut self, mut quirks: &[Quirk]) -> Self {
        while let [first, rest @ ..] = quirks {
            self.0 |= first.bit();
            quirks = rest;
        }
        self
    }

    /// The same set with `quirk`.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk.bit())
    }

    /// The same set without `quirk`.
    #[must_use]
    pub const fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !quirk.bit())
    }

    /// Whether `quirk` is in the set.
    #[must_use]
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// Whether every quirk of `others` is in the set.
    #[must_use]
    pub const fn contains_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Puts `quirk` into the set.
    pub fn insert(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }

    /// Puts every quirk of `others` into the set.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// The quirks of the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.into_iter().filter(move |q| self.contains(*q))
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Prints the names, separated by commas.
impl fmt::Display for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, quirk) in self.iter().enumerate() {
            write!(f, "{}{quirk}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// What a server demands beyond the types of the schema.
///
/// Non-exhaustive: there will be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Validation {
    /// A value of an attribute with `canonicalValues` must be one of them (RFC 7643 §7 lets a
    /// service provider restrict values so).
    CanonicalValues,
    /// An attribute that no schema defines is refused rather than ignored.
    UnknownAttributes,
    /// The `country` of a user's address has the form of an ISO 3166-1 alpha-2 code, as RFC 7643
    /// §4.1.2 demands. In [`Profile::STRICT`].
    Countries,
    /// A user's certificate is one X.509 certificate in DER, as RFC 7643 §4.1.2 demands. In
    /// [`Profile::STRICT`].
    Certificates,
    /// A reference is a URI or a relative reference, as RFC 7643 §2.3.7 demands. In
    /// [`Profile::STRICT`].
    References,
    /// No two groups of a tenant have the same `displayName`, whatever its case: a second one is
    /// 409 `uniqueness`. The schema does not ask for it (RFC 7643 §4.2); Entra looks a group up by
    /// its name and adopts what it finds. In [`Profile::ENTRA`].
    UniqueGroupNames,
    /// Whatever a write names as a member, a manager and the like is a resource of the tenant: else
    /// it is 400 `invalidValue`, with the attribute and the id. The store looks when it writes, so
    /// that of a write and a delete at the same time the first one counts; in a bulk request what an
    /// earlier operation makes is there. What is deleted later leaves its groups, but stays in other
    /// references, which have no `$ref` then. Without it what is named may come later, or never.
    ExistingReferences,
}

impl Validation {
    /// Every validation.
    pub const ALL: [Self; 7] = [
        Self::CanonicalValues,
        Self::UnknownAttributes,
        Self::Countries,
        Self::Certificates,
        Self::References,
        Self::UniqueGroupNames,
        Self::ExistingReferences,
    ];

    /// Its name in settings: `existing-references` and the like.
    ///
    /// ```
    /// use scim_core::Validation;
    /// let all = Validation::ALL;
    /// let named = all.into_iter().find(|v| v.name() == "existing-references");
    /// assert_eq!(named, Some(Validation::ExistingReferences));
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanonicalValues => "canonical-values",
            Self::UnknownAttributes => "unknown-attributes",
            Self::Countries => "countries",
            Self::Certificates => "certificates",
            Self::References => "references",
            Self::UniqueGroupNames => "unique-group-names",
            Self::ExistingReferences => "existing-references",
        }
    }

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// What a server does where the RFC leaves it the choice.
///
/// Non-exhaustive: there will be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Choice {
    /// A PATCH of a group answers 204 without a body, unless it asks for attributes (RFC 7644
    /// §3.5.2 allows that or 200). Entra expects it. In [`Profile::ENTRA`].
    GroupPatchNoContent,
    /// A POST of a user whose `userName` belongs to a user with `active` false makes that one
    /// anew: it keeps its id, is replaced as by a PUT, and the answer is 201. Without it, and where
    /// the user is active, the answer is 409 `uniqueness`. In no preset: whoever held the account
    /// before need not be who gets it.
    Reactivate,
}

impl Choice {
    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of quirks and, apart from it, a set of validations and one of choices; chosen per tenant
/// at run time.
///
/// ```
/// use scim_core::{Profile, Quirk};
/// let profile = Profile::INTEROP.without(Quirk::IgnoreUnknownPaths);
/// assert!(profile.tolerates(Quirk::BooleanStrings));
/// assert!(!Profile::STRICT.tolerates(Quirk::BooleanStrings));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    quirks: Quirks,
    in_bent_messages: Quirks,
    validations: u8,
    choices: u8,
}

impl Profile {
    /// What the RFC says, no more lenient and no harsher.
    pub const STRICT: Self = Self::tolerating("strict", &[])
        .validating(Validation::Countries)
        .validating(Validation::Certificates)
        .validating(Validation::References);
    /// Every quirk of the table and no validation, so that identity providers work at once. The
    /// default. What the RFC allows means the same as under [`Profile::STRICT`]: the quirks by which
    /// it would not, it has only in a PATCH that the RFC does not allow ([`Profile::for_message`]).
    ///
    /// So two habits of Entra's need [`Profile::ENTRA`] or [`Profile::ENTRA_SCIM2`] in a POST, a PUT, and
    /// a PATCH whose message is correct: `""` that clears an attribute
    /// ([`Quirk::EmptyMeansUnassigned`]), and roles as JSON text inside `value`
    /// ([`Quirk::JsonInString`]). Here both are the texts that they are.
    pub const INTEROP: Self = Self::tolerating("interop", &Quirk::ALL)
        .only_in_bent_messages(Quirk::JsonInString)
        .only_in_bent_messages(Quirk::EmptyMeansUnassigned);

    /// A profile with these quirks and nothing else.
    pub(crate) const fn tolerating(name: &'static str, quirks: &[Quirk]) -> Self {
        Self {
            name,
            quirks: Quirks::NONE.with_all(quirks),
            in_bent_messages: Quirks::NONE,
            validations: 0,
            choices: 0,
        }
    }

    pub(crate) const fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The name of the preset, or of the one that the profile was made from: `strict`, `interop`,
    /// `entra`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The same profile with one more quirk.
    #[must_use]
    pub const fn with(mut self, quirk: Quirk) -> Self {
        self.quirks = self.quirks.with(quirk);
        self
    }

    /// The same profile with one quirk less, of those for every request as of those of
    /// [`Profile::for_message`].
    #[must_use]
    pub const fn without(mut self, quirk: Quirk) -> Self {
        self.quirks = self.quirks.without(quirk);
        self.in_bent_messages = self.in_bent_messages.without(quirk);
        self
    }

    /// The same profile with `quirk` for no request but those of [`Profile::for_message`].
    #[must_use]
    pub const fn only_in_bent_messages(mut self, quirk: Quirk) -> Self {
        self.quirks = self.quirks.without(quirk);
        self.in_bent_messages = self.in_bent_messages.with(quirk);
        self
    }

    /// The profile by which the values of a PATCH are read, in whose message these quirks fired
    /// ([`PatchOp::fired`](crate::PatchOp::fired)): an operation's name in another case, no
    /// `schemas`, the form of SCIM 1.1. With any of them the RFC does not allow the request, so that
    /// what the values would mean by the RFC is not at stake, and the profile tolerates what it
    /// tolerates [only in such](Profile::only_in_bent_messages), too.
    ///
    /// ```
    /// use scim_core::{Profile, Quirk, Quirks};
    /// let correct = Profile::INTEROP.for_message(Quirks::NONE);
    /// assert!(!correct.tolerates(Quirk::JsonInString));
    /// let bent = Profile::INTEROP.for_message(Quirks::NONE.with(Quirk::OperationCase));
    /// assert!(bent.tolerates(Quirk::JsonInString));
    /// ```
    #[must_use]
    pub fn for_message(mut self, fired: Quirks) -> Self {
        if !fired.is_empty() {
            self.quirks.extend(self.in_bent_messages);
        }
        self
    }

    /// The same profile with one more validation.
    #[must_use]
    pub const fn validating(mut self, validation: Validation) -> Self {
        self.validations |= validation.bit();
        self
    }

    /// The same profile with one validation less.
    #[must_use]
    pub const fn not_validating(mut self, validation: Validation) -> Self {
        self.validations &= !validation.bit();
        self
    }

    /// Whether the profile tolerates `quirk`, in every request.
    #[must_use]
    pub const fn tolerates(&self, quirk: Quirk) -> bool {
        self.quirks.contains(quirk)
    }

    /// The quirks that the profile tolerates in every request.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// The quirks that the profile tolerates in requests that the RFC does not allow, and only there
    /// ([`Profile::for_message`]).
    #[must_use]
    pub const fn quirks_of_bent_messages(&self) -> Quirks {
        self.in_bent_messages
    }

    /// Whether the profile demands `validation`.
    #[must_use]
    pub const fn validates(&self, validation: Validation) -> bool {
        self.validations & validation.bit() != 0
    }

    /// The same profile with one more choice.
    #[must_use]
    pub const fn choosing(mut self, choice: Choice) -> Self {
        self.choices |= choice.bit();
        self
    }

    /// The same profile with one choice less.
    #[must_use]
    pub const fn not_choosing(mut self, choice: Choice) -> Self {
        self.choices &= !choice.bit();
        self
    }

    /// Whether the profile makes `choice`.
    #[must_use]
    pub const fn chooses(&self, choice: Choice) -> bool {
        self.choices & choice.bit() != 0
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::INTEROP
    }
}
