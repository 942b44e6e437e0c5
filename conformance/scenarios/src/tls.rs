//! A server over TLS whose certificate nobody has signed.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Serves until the process ends.
pub(crate) struct SelfSigned {
    port: u16,
    heard: Arc<AtomicUsize>,
}

impl SelfSigned {
    pub(crate) fn start() -> Result<Self, String> {
        let config = Arc::new(config()?);
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, heard) = (Arc::clone(&config), Arc::clone(&counted));
                thread::spawn(move || listen(config, stream, &heard));
            }
        });
        Ok(Self { port, heard })
    }

    pub(crate) fn base(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// How many have said something to it, in confidence.
    pub(crate) fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

fn config() -> Result<ServerConfig, String> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(|error| error.to_string())?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key.into()))
        .map_err(|error| error.to_string())
}

fn listen(config: Arc<ServerConfig>, stream: TcpStream, heard: &AtomicUsize) {
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut first = [0; 1];
    if StreamOwned::new(connection, stream).read(&mut first).is_ok_and(|read| read > 0) {
        heard.fetch_add(1, Ordering::SeqCst);
    }
}
