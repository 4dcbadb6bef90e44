//! Every PATCH that identity providers were seen to send is understood, whole: planned and applied to
//! a resource that has next to nothing. What it leads to over HTTP and in a store is tested there.

use scim_core::{Member, PatchOp, Profile, Quirk};
use scim_patch::{PatchPlan, apply_members};
use serde_json::{Value, json};

use crate::corpus;
use crate::patching::{group, object, user};

/// Operations on attributes that no schema of ours defines, which are left out.
const UNKNOWN_ATTRIBUTES: &[&str] = &["okta/38-patch-unknown-attributes.json"];

#[test]
fn every_captured_patch_is_understood() {
    let what = "the captured PATCH requests";
    let Some(files) = corpus::read_all(what, "idp-captures") else { return };
    let mut understood = 0;
    for (name, text) in &files {
        let capture: Value = serde_json::from_str(text).expect("a capture is JSON");
        if capture["method"] != "PATCH" {
            continue;
        }
        let path = capture["path"].as_str().expect("a path");
        let resource_type = if path.starts_with("/Groups") { group() } else { user() };
        let body = capture["body"].to_string();
        let profile = Profile::INTEROP;
        let patch = PatchOp::parse(body.as_bytes(), &profile)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let planned = PatchPlan::new(&resource_type, patch, &profile)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            planned.fired.contains(Quirk::IgnoreUnknownPaths),
            UNKNOWN_ATTRIBUTES.contains(&name.as_str()),
            "{name}"
        );
        let document = planned.plan.document.apply(object(&json!({"displayName": "-"})));
        let document = document.unwrap_or_else(|error| panic!("{name}: {error}"));
        let members =
            apply_members(&planned.plan.members, &mut vec![Member::new("one"), Member::new("two")]);
        let members = members.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            document.is_some()
                || members
                || planned.plan.secret.is_some()
                || !planned.plan.members.is_empty()
                || UNKNOWN_ATTRIBUTES.contains(&name.as_str()),
            "{name}: nothing came of it"
        );
        understood += 1;
    }
    assert_eq!(understood, 47);
}
