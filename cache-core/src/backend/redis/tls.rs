//! TLS, whose algorithms have to be chosen once for a process.

use redis::{Client, TlsCertificates};

use crate::backend::Redis;
use crate::error::Error;

/// Chooses the algorithms, unless the program has.
pub(super) fn prepare() {
    // It fails only where they have been chosen already.
    drop(rustls::crypto::ring::default_provider().install_default());
}

impl Redis {
    /// Keeps values on one server whose certificate an authority of one's own has signed; its certificate is given
    /// as PEM.
    ///
    /// # Errors
    ///
    /// If the address or the certificate is refused, or a thread cannot be started. The server may be away.
    pub fn with_authority(url: &str, certificate: Vec<u8>) -> Result<Self, Error> {
        prepare();
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(certificate) };
        Self::single(Client::build_with_tls(url, certificates))
    }
}
