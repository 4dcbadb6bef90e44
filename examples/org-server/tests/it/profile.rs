//! `--profile`: what is tolerated is what was asked for.

use serde_json::json;

use crate::server::{Server, command};

/// The status of a POST that only OneLogin's preset, of the three, and the default tolerate.
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
        for agent in ["OneLogin", "Okta SCIM Client 1.0.0", "curl/8"] {
            assert_eq!(status(&server, agent, agent), expected, "{profile}, {agent}");
        }
    }
}

#[test]
fn auto_goes_by_the_user_agent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme_with(folder.path(), "memory:", "auto");
    for (agent, expected) in [("OneLogin", 201), ("Okta SCIM Client 1.0.0", 400), ("curl/8", 201)] {
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
