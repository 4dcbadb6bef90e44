//! TLS between the server and PostgreSQL.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::database::Database;
use crate::server::{KEY, ORG, Server, command, refusal};
use crate::skip::skip;

/// Has the server that was started for this process speak TLS, with a certificate for 127.0.0.1.
fn certify(database: &postgres_test_server::Database, data: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let owner = fs::metadata(data).unwrap();
    for (name, text) in [("tls.crt", cert.pem()), ("tls.key", signing_key.serialize_pem())] {
        let file = data.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    for setting in ["ssl_cert_file = 'tls.crt'", "ssl_key_file = 'tls.key'", "ssl = on"] {
        database.run(&format!("ALTER SYSTEM SET {setting}")).unwrap();
    }
    database.run("SELECT pg_reload_conf()").unwrap();
    // The server takes its time.
    let is_on = "DO $$ BEGIN IF current_setting('ssl') <> 'on' THEN RAISE 'off'; END IF; END $$";
    while database.run(is_on).is_err() {
        thread::sleep(Duration::from_millis(20));
    }
    cert.pem()
}

#[test]
fn sslmode_require_is_tls_with_a_certificate_that_is_verified() {
    let what = "TLS to PostgreSQL";
    let Some(Database::Postgres(database)) = Database::postgres(what) else { return };
    let Some((_, data)) = database.installation() else {
        return skip(what, "the server is not this process's to set up");
    };
    let folder = tempfile::tempdir().unwrap();
    let (trusted, other) = (folder.path().join("trusted.pem"), folder.path().join("other.pem"));
    let start = |mode: &str, authorities: &Path| {
        let mut command = command(folder.path());
        command.args(["--database", &format!("{}?sslmode={mode}", database.url())]);
        command.args(["--org-id", ORG, "--api-key", KEY]);
        command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
        command
    };
    let other_certificate = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&other, other_certificate.cert.pem()).unwrap();

    // While the server has no TLS, nobody is served without.
    let refused = refusal(start("require", &other)).stderr.join("\n");
    assert!(refused.contains("server does not support TLS"), "{refused}");

    fs::write(&trusted, certify(&database, data)).unwrap();
    let server = Server::start(start("require", &trusted));
    server.client().get("/Users").expect(200);
    // The connections of the store, and that which looks after the keys.
    database
        .run(
            "DO $$ BEGIN IF EXISTS (SELECT FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
                 WHERE a.datname = current_database() AND pid <> pg_backend_pid() AND NOT s.ssl)
             OR NOT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
                 WHERE a.datname = current_database() AND s.ssl)
             THEN RAISE EXCEPTION 'a connection is not encrypted'; END IF; END $$",
        )
        .unwrap();
    assert!(server.stop().status.success());

    let refused = refusal(start("require", &other)).stderr.join("\n");
    assert!(refused.contains("certificate"), "{refused}");
    let refused = refusal(start("require", Path::new("nowhere.pem"))).stderr.join("\n");
    assert!(refused.contains("TLS is not possible"), "{refused}");
    // Who does not ask for it gets none, as before.
    Server::start(start("disable", &other)).client().get("/Users").expect(200);
}
