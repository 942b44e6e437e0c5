//! Encryption at rest: the keys of a service, and what they seal and open.

use pyo3::prelude::*;
use webex_oauth::sealed::{KeyError, Keys, NONCE_LEN, Owner};

use crate::errors::{Raise as _, invalid};
use crate::secret::{Secret, SecretText};

/// The keys of a service: the first one seals, all of them open.
///
/// `NAME:BYTES` once or more, with spaces, commas or line ends between them; the bytes are 32, in base64, from a random
/// generator: `openssl rand -base64 32` makes one. Raises `InvalidArgument`, and tells nothing of the bytes.
#[pyclass(frozen, eq, name = "Keys", module = "webex_oauth.stores")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealingKeys(Keys);

#[pymethods]
impl SealingKeys {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(py: Python<'_>, text: SecretText) -> PyResult<Self> {
        Keys::read(text.0.expose()).map(Self).map_err(|error: KeyError| error.raise(py))
    }

    /// The name of the key that seals.
    #[getter]
    fn first(&self) -> &str {
        self.0.first().id()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.0.find(name).is_some()
    }

    /// Encrypts a snapshot for its owner. `nonce` is 12 bytes, new ones for each record: `os.urandom(12)`.
    fn seal(&self, py: Python<'_>, tenant: &str, user: &str, snapshot: SecretText, nonce: &[u8]) -> PyResult<Secret> {
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| invalid(py, "nonce", "expected 12 bytes"))?;
        let sealed = webex_oauth::sealed::seal(&self.0, Owner { tenant, user }, &snapshot.0, nonce);
        sealed.map(Secret).map_err(|error| invalid(py, "snapshot", &error.to_string()))
    }

    /// Decrypts a record of its owner. Raises `StoreError` of kind `sealed` where it stays closed, and of kind `refused`
    /// where it is not sealed.
    fn open(&self, py: Python<'_>, tenant: &str, user: &str, record: SecretText) -> PyResult<Secret> {
        let opened = webex_oauth::sealed::open(&self.0, Owner { tenant, user }, record.0.expose());
        opened.map(Secret).map_err(|error| error.raise(py))
    }

    /// The 32 bytes that the first key seals this user's records with: any JOSE library opens them (`dir`, `A256GCM`).
    fn expose_content_key(&self, tenant: &str, user: &str) -> [u8; 32] {
        *self.0.first().content_key(Owner { tenant, user }).expose()
    }

    fn __repr__(&self) -> String {
        format!("Keys({:?}, ...)", self.0.first().id())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(pyo3::exceptions::PyTypeError::new_err("keys cannot be pickled"))
    }
}
