//! `--profile`, `--demand` and `--reactivate`: what is tolerated and demanded is what was asked for.

use std::path::Path;

use serde_json::json;

use crate::server::{KEY, ORG, Server, command};

/// The status of a POST that the default and some presets tolerate; Okta's and authentik's do not.
fn status(server: &Server, agent: &str, name: &str) -> u16 {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name, "emails": {"value": "b@example.com"},
    });
    let headers = [("user-agent", agent), ("content-type", "application/scim+json")];
    let body = body.to_string();
    server.client().send("POST", "/Users", &headers, Some(body.as_bytes())).status
}

#[test]
fn a_profile_by_name_is_that_one_whatever_the_client_calls_itself() {
    for (profile, expected) in
        [("interop", 201), ("strict", 400), ("okta", 400), ("onelogin", 201), ("entra-scim2", 201)]
    {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::acme_with(folder.path(), "memory:", profile);
        for agent in ["authentik@2026.2.0", "Okta SCIM Client 1.0.0", "curl/8"] {
            assert_eq!(status(&server, agent, agent), expected, "{profile}, {agent}");
        }
    }
}

#[test]
fn auto_goes_by_the_user_agent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme_with(folder.path(), "memory:", "auto");
    for (agent, expected) in
        [("authentik@2026.2.0", 400), ("Okta SCIM Client 1.0.0", 400), ("curl/8", 201)]
    {
        assert_eq!(status(&server, agent, agent), expected, "{agent}");
    }
}

#[test]
fn an_unknown_profile_is_refused_with_the_names_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    let output = command.args(["--database", "memory:", "--profile", "Okta"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for name in ["strict", "entra-scim2", "keycloak", "auto"] {
        assert!(said.contains(&format!("`{name}`")), "{said}");
    }
}

/// A server in memory, started with these arguments.
fn started(folder: &Path, arguments: &[&str]) -> Server {
    let mut command = command(folder);
    command.args(["--database", "memory:", "--org-id", ORG, "--api-key", KEY]);
    command.args(arguments);
    Server::start(command)
}

#[test]
fn what_is_demanded_beyond_the_profile() {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Guides",
        "members": [{"value": "nobody"}],
    });
    let both = "unique-group-names,existing-references";
    for (arguments, expected) in [
        (&[][..], [201, 201]),
        (&["--demand", "unique-group-names"], [201, 409]),
        (&["--demand", both, "--profile", "strict"], [400, 400]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = started(folder.path(), arguments);
        let client = server.client();
        let statuses = [(); 2].map(|()| client.post("/Groups", &group).status);
        assert_eq!(statuses, expected, "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path());
    let output = command.args(["--database", "memory:", "--demand", "more"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("`existing-references`"), "{said}");
}

#[test]
fn deactivated_users_are_made_anew_where_that_was_asked_for() {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bjensen",
        "active": false,
    });
    for (arguments, expected) in [(&[][..], 409), (&["--reactivate"], 201)] {
        let folder = tempfile::tempdir().unwrap();
        let server = started(folder.path(), arguments);
        let client = server.client();
        let first = client.post("/Users", &user).expect(201).json();
        let second = client.post("/Users", &user).expect(expected);
        assert_eq!(second.json()["id"] == first["id"], expected == 201);
    }
}
