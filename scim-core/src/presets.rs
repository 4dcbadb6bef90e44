//! One profile for each identity provider whose habits are known.

use crate::profile::{Choice, Profile, Quirk, Validation};

impl Profile {
    /// Microsoft Entra ID as it provisions by default.
    pub const ENTRA: Self = Self::tolerating(
        "entra",
        &[
            Quirk::OperationCase,
            Quirk::MissingSchemas,
            Quirk::UnknownSchemaUris,
            Quirk::SchemaSpellings,
            Quirk::BooleanStrings,
            Quirk::UnquotedFilterValues,
            Quirk::FilterSubAttribute,
            Quirk::UnqualifiedExtensionAttributes,
            Quirk::DottedKeys,
            Quirk::UrnKeys,
            Quirk::PathKeys,
            Quirk::ArrayForSingular,
            Quirk::SingularForArray,
            Quirk::BareStringForComplex,
            Quirk::ObjectForSimple,
            Quirk::JsonText,
            Quirk::JsonInString,
            Quirk::ValueFilterCreates,
            Quirk::RemoveWithValue,
            Quirk::IgnoreUnknownPaths,
            Quirk::EmptyWhereNoText,
            Quirk::EmptyMeansUnassigned,
        ],
    )
    .validating(Validation::UniqueGroupNames)
    .choosing(Choice::GroupPatchNoContent);

    /// Microsoft Entra ID with `?aadOptscim062020` at the end of the tenant URL: its booleans are
    /// such, and it removes members by a filter.
    pub const ENTRA_SCIM2: Self = Self::ENTRA
        .called("entra-scim2")
        .without(Quirk::BooleanStrings)
        .without(Quirk::RemoveWithValue);

    /// Okta.
    pub const OKTA: Self = Self::tolerating(
        "okta",
        &[Quirk::MissingSchemas, Quirk::IgnoreUnknownPaths, Quirk::EmptyWhereNoText],
    );

    /// OneLogin, with its SCIM 2.0 and its older connectors.
    pub const ONELOGIN: Self = Self::tolerating(
        "onelogin",
        &[
            Quirk::MissingSchemas,
            Quirk::UnknownSchemaUris,
            Quirk::SchemaSpellings,
            Quirk::SingularForArray,
            Quirk::EmptyWhereNoText,
            Quirk::Scim1Patch,
        ],
    );

    /// JumpCloud.
    pub const JUMPCLOUD: Self =
        Self::tolerating("jumpcloud", &[Quirk::EmptyWhereNoText, Quirk::RemoveWithValue]);

    /// authentik.
    pub const AUTHENTIK: Self = Self::tolerating(
        "authentik",
        &[Quirk::MissingSchemas, Quirk::UnquotedFilterValues, Quirk::RemoveWithValue],
    );

    /// The SCIM plug-ins of Keycloak.
    pub const KEYCLOAK: Self = Self::tolerating(
        "keycloak",
        &[Quirk::BooleanStrings, Quirk::ArrayForSingular, Quirk::EmptyWhereNoText],
    );

    /// Every preset: [`Profile::STRICT`], [`Profile::INTEROP`], and those of identity providers.
    pub const PRESETS: [Self; 9] = [
        Self::STRICT,
        Self::INTEROP,
        Self::ENTRA,
        Self::ENTRA_SCIM2,
        Self::OKTA,
        Self::ONELOGIN,
        Self::JUMPCLOUD,
        Self::AUTHENTIK,
        Self::KEYCLOAK,
    ];

    /// The preset of that name.
    ///
    /// ```
    /// use scim_core::Profile;
    /// assert_eq!(Profile::preset("okta"), Some(Profile::OKTA));
    /// assert_eq!(Profile::preset("Okta"), None);
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        Self::PRESETS.into_iter().find(|preset| preset.name() == name)
    }

    /// The preset for a client that sends this `User-Agent`, of those that are known to say there who
    /// they are: Okta (`Okta SCIM Client 1.0.0`) and authentik (`authentik@2026.2.0`). OneLogin sends
    /// an empty one; what Entra, JumpCloud and Keycloak's plug-ins send is not documented. A header
    /// proves nothing, so it is for servers whose operator asks for it, never a default.
    ///
    /// ```
    /// use scim_core::Profile;
    /// assert_eq!(Profile::for_user_agent("Okta SCIM Client 1.0.0"), Some(Profile::OKTA));
    /// assert_eq!(Profile::for_user_agent("curl/8.5.0"), None);
    /// ```
    #[must_use]
    pub fn for_user_agent(user_agent: &str) -> Option<Self> {
        const BEGINNINGS: [(&str, Profile); 2] =
            [("okta scim client", Profile::OKTA), ("authentik@", Profile::AUTHENTIK)];
        let user_agent = user_agent.to_ascii_lowercase();
        let said = BEGINNINGS.into_iter().find(|(word, _)| user_agent.starts_with(word));
        said.map(|(_, preset)| preset)
    }
}
