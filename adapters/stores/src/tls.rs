//! TLS to a database: whom it is trusted by.

/// Which certificates of a server are believed. The name in the certificate always has to be that of the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tls {
    /// Those that the operating system believes.
    #[default]
    Platform,
    /// Those that these roots have signed: certificates in PEM, of an authority of your own or of a provider.
    Roots(Vec<u8>),
}

#[cfg(feature = "postgres")]
pub(crate) use config::client_config;

#[cfg(feature = "postgres")]
mod config {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt as _;
    use webex_oauth_driver::StoreError;

    use super::Tls;

    pub(crate) fn client_config(tls: &Tls) -> Result<ClientConfig, StoreError> {
        let refused = |problem: &str| StoreError::Refused { what: format!("TLS cannot be set up: {problem}") };
        let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(&error.to_string()))?;
        let builder = match tls {
            Tls::Platform => builder.with_platform_verifier().map_err(|error| refused(&error.to_string()))?,
            Tls::Roots(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|_| refused("the roots are not certificates in PEM"))?;
                    roots.add(certificate).map_err(|_| refused("one of the roots is no certificate"))?;
                }
                if roots.is_empty() {
                    return Err(refused("there are no certificates among the roots"));
                }
                builder.with_root_certificates(roots)
            }
        };
        Ok(builder.with_no_client_auth())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_are_no_roots_are_refused() {
            for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
                let error = client_config(&Tls::Roots(pem.into())).unwrap_err();
                assert!(matches!(error, StoreError::Refused { .. }), "{pem}");
            }
            assert!(client_config(&Tls::Platform).is_ok());
        }
    }
}
