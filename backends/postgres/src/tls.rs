//! TLS by rustls.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::CertificateResult;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::OpenError;

/// What [`PostgresBackend::open`](crate::PostgresBackend::open) connects with where the URL demands
/// TLS, for connections of one's own to the same database: it trusts the authorities that the
/// platform trusts, or those in the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
///
/// # Errors
/// [`OpenError::Tls`] when there are no such certificates.
pub fn rustls_connector() -> Result<MakeRustlsConnect, OpenError> {
    let CertificateResult { certs, errors, .. } = rustls_native_certs::load_native_certs();
    for error in &errors {
        tracing::warn!(%error, "a certificate of the platform's cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(certs);
    if trusted == 0 {
        let first = errors.into_iter().next();
        return Err(OpenError::Tls(match first {
            Some(error) => error.into(),
            None => "the platform trusts no certificate; `SSL_CERT_FILE` can name some".into(),
        }));
    }
    // Named, so that nobody has to choose one for the whole process.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
