//! What is set for an organisation, and what is asked to be.

use std::fmt;
use std::str::FromStr;

use http::header::USER_AGENT;
use http::request::Parts;
use scim_core::{Choice, Profile, Validation};

/// How the profile of a request is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileChoice {
    /// It is this one.
    Fixed(Profile),
    /// By its User-Agent.
    Auto,
}

impl FromStr for ProfileChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        Profile::preset(name).map(Self::Fixed).ok_or_else(|| {
            let names = Profile::PRESETS.map(|preset| preset.name()).join("`, `");
            format!("expected `{names}` or `auto`")
        })
    }
}

impl fmt::Display for ProfileChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed(profile) => profile.name(),
            Self::Auto => "auto",
        })
    }
}

/// The validations that are demanded beyond the profile's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demands(pub(crate) Vec<Validation>);

/// The validation of that name.
pub(crate) fn validation(name: &str) -> Result<Validation, String> {
    Validation::ALL.into_iter().find(|validation| validation.name() == name).ok_or_else(|| {
        let names = Validation::ALL.map(Validation::name).join("`, `");
        format!("expected one of `{names}`")
    })
}

/// Names with commas, or `none`.
impl FromStr for Demands {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::default());
        }
        text.split(',').map(validation).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Demands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|validation| validation.name()).collect();
        f.write_str(if names.is_empty() { "none".to_owned() } else { names.join(",") }.as_str())
    }
}

/// Whether a POST of a deactivated user makes that one anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reactivate(pub(crate) bool);

impl FromStr for Reactivate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "yes" => Ok(Self(true)),
            "no" => Ok(Self(false)),
            _ => Err("expected `yes` or `no`".to_owned()),
        }
    }
}

impl fmt::Display for Reactivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "yes" } else { "no" })
    }
}

/// What is set for an organisation. What is not, is as the server's flags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) profile: Option<ProfileChoice>,
    pub(crate) demands: Option<Demands>,
    pub(crate) reactivate: Option<Reactivate>,
}

/// What a server's flags say.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) profile: ProfileChoice,
    pub(crate) demands: Demands,
    pub(crate) reactivate: Reactivate,
}

impl Settings {
    /// The profile of a request.
    pub(crate) fn profile(&self, defaults: &Defaults, request: &Parts) -> Profile {
        let profile = match self.profile.unwrap_or(defaults.profile) {
            ProfileChoice::Fixed(profile) => profile,
            ProfileChoice::Auto => by_user_agent(request),
        };
        let demands = self.demands.as_ref().unwrap_or(&defaults.demands);
        let profile = demands.0.iter().copied().fold(profile, Profile::validating);
        let Reactivate(reactivate) = self.reactivate.unwrap_or(defaults.reactivate);
        if reactivate { profile.choosing(Choice::Reactivate) } else { profile }
    }

    /// All of it on a line; with what a server's flags say where that is known.
    pub(crate) fn described(&self, defaults: Option<&Defaults>) -> String {
        fn one(own: Option<&impl fmt::Display>, default: Option<&impl fmt::Display>) -> String {
            match (own, default) {
                (Some(own), _) => own.to_string(),
                (None, Some(default)) => format!("{default} (default)"),
                (None, None) => "default".to_owned(),
            }
        }
        format!(
            "profile {}; demand {}; reactivate {}",
            one(self.profile.as_ref(), defaults.map(|d| &d.profile)),
            one(self.demands.as_ref(), defaults.map(|d| &d.demands)),
            one(self.reactivate.as_ref(), defaults.map(|d| &d.reactivate)),
        )
    }
}

/// The profile that the client's own word for itself calls for.
fn by_user_agent(request: &Parts) -> Profile {
    let user_agent = request.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    user_agent.and_then(Profile::for_user_agent).unwrap_or_default()
}

/// Settings as they are kept in a database: the words that the command line knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) profile: Option<String>,
    pub(crate) demands: Option<String>,
    pub(crate) reactivate: Option<bool>,
}

impl Kept {
    /// What they mean.
    ///
    /// # Errors
    /// A word that this server does not know, as one of a newer version may be.
    pub(crate) fn read(&self) -> Result<Settings, String> {
        fn one<T: FromStr<Err = String>>(
            what: &str,
            kept: Option<&String>,
        ) -> Result<Option<T>, String> {
            let read = kept.map(|text| {
                text.parse().map_err(|expected| format!("{what} `{text}` is unknown: {expected}"))
            });
            read.transpose()
        }
        Ok(Settings {
            profile: one("profile", self.profile.as_ref())?,
            demands: one("demand", self.demands.as_ref())?,
            reactivate: self.reactivate.map(Reactivate),
        })
    }
}

/// A setting that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setting<T> {
    /// As the server's flags say.
    Default,
    /// The organisation's own.
    Own(T),
}

impl<T: FromStr<Err = String>> FromStr for Setting<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "default" {
            return Ok(Self::Default);
        }
        text.parse().map(Self::Own).map_err(|expected| format!("{expected}, or `default`"))
    }
}

impl<T> Setting<T> {
    fn own(&self) -> Option<&T> {
        match self {
            Self::Default => None,
            Self::Own(own) => Some(own),
        }
    }
}

/// What of an organisation's settings is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Changes {
    /// Its profile, as `--profile` of the server
    #[arg(long, value_name = "NAME|default")]
    profile: Option<Setting<ProfileChoice>>,

    /// What is demanded beyond the profile, instead of what `--demand` of the server says: names with
    /// commas, or `none`
    #[arg(long = "demand", value_name = "NAMES|none|default")]
    demands: Option<Setting<Demands>>,

    /// Whether a POST of a deactivated user makes that one anew
    #[arg(long, value_name = "yes|no|default")]
    reactivate: Option<Setting<Reactivate>>,
}

impl Changes {
    /// The settings with these changes.
    pub(crate) fn made_to(&self, kept: Kept) -> Kept {
        fn one<T, K>(
            change: Option<&Setting<T>>,
            kept: Option<K>,
            keep: impl Fn(&T) -> K,
        ) -> Option<K> {
            match change {
                None => kept,
                Some(setting) => setting.own().map(keep),
            }
        }
        Kept {
            profile: one(self.profile.as_ref(), kept.profile, ToString::to_string),
            demands: one(self.demands.as_ref(), kept.demands, ToString::to_string),
            reactivate: one(self.reactivate.as_ref(), kept.reactivate, |Reactivate(yes)| *yes),
        }
    }
}
