//! A POST of a user that is there already and deactivated ([`Choice::Reactivate`]).
//!
//! [`Choice::Reactivate`]: scim_core::Choice::Reactivate

use std::sync::Arc;

use scim_core::{AttributeSet, Choice, Profile, Resource, ResourceType, ScimError, Secret};
use scim_filter::ResolvedFilter;
use serde_json::Value;

use crate::backend::{
    BackendError, Change, Query, QueryTarget, Returning, Start, Stored, Write, Written,
};
use crate::exchange::{Exchange, Failure};
use crate::policy::ActionKind;
use crate::precondition::Precondition;

/// What a POST asked for, kept for the case that its `userName` is taken.
pub(crate) struct Again {
    resource_type: Arc<ResourceType>,
    user_name: Value,
    resource: Resource,
    secret: Option<Secret>,
}

impl Again {
    /// `None` where the profile wants a conflict to stay one, or the type has no such attributes.
    pub(crate) fn new(
        x: &Exchange<'_>,
        resource: &Resource,
        secret: Option<&Secret>,
    ) -> Option<Self> {
        let resource_type = resource.resource_type();
        let of_users = resource_type.has_groups() && resource_type.attribute("active").is_some();
        if !x.profile.chooses(Choice::Reactivate) || !of_users {
            return None;
        }
        let mut attributes = resource.attributes().clone();
        let user_name = attributes.get("userName").filter(|name| name.is_string())?.clone();
        // Whoever is made is active unless the request says otherwise; a replaced one would stay
        // as it is.
        attributes.entry("active").or_insert(Value::Bool(true));
        Some(Self {
            resource_type: Arc::clone(resource_type),
            user_name,
            resource: Resource::from_canonical(Arc::clone(resource_type), attributes),
            secret: secret.cloned(),
        })
    }

    /// Replaces the deactivated user. `None` when the conflict is about something else: the user is
    /// active, was changed meanwhile, or has another attribute's value.
    pub(crate) async fn write(
        self,
        x: &Exchange<'_>,
        returning: Returning,
    ) -> Result<Option<Written>, Failure> {
        let failed = |e: &BackendError| x.failed(e, "the new resource");
        let Some(found) = self.find(x).await.map_err(|e| failed(&e))? else { return Ok(None) };
        let attributes = found.attributes().map_err(|e| failed(&e))?;
        if attributes.get("active") != Some(&Value::Bool(false)) {
            return Ok(None);
        }
        x.admit(ActionKind::Replace, Some(&self.resource_type), Some(&found.id)).await?;
        let write = Write {
            must_exist: x.must_exist_for(&self.resource),
            change: Change::Replace { id: found.id, resource: self.resource, secret: self.secret },
            // Of two who find it deactivated, one gets it.
            precondition: Precondition::version(found.version),
            returning: Some(returning),
            unique_display_name: false,
            resource_type: self.resource_type,
        };
        match x.service.backend.write(&x.cx, write).await {
            Ok(written) => Ok(Some(written)),
            Err(BackendError::NotFound | BackendError::PreconditionFailed) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn find(&self, x: &Exchange<'_>) -> Result<Option<Stored>, BackendError> {
        let limits = &x.service.limits;
        // A JSON string is a filter's literal.
        let filter = format!("userName eq {}", self.user_name);
        let filter =
            ResolvedFilter::parse(&filter, &self.resource_type, &Profile::STRICT, &limits.filter)
                .map_err(ScimError::from)?;
        let query = Query {
            targets: vec![QueryTarget {
                resource_type: Arc::clone(&self.resource_type),
                filter: Some(filter),
                sort: None,
                wanted: Arc::new(AttributeSet::default_for(&self.resource_type)),
            }],
            order: None,
            start: Start::Offset(0),
            count: 1,
            total: false,
            work_limit: limits.work,
            member_limit: limits.page_members,
        };
        Ok(super::query::run(x, &query).await?.resources.pop())
    }
}
