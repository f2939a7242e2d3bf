//! Learns the SRTP keys of a session while str0m does the handshake, and keeps its DTLS at hand.
//!
//! str0m asks its crypto provider for a DTLS instance inside `RtcConfig::build`, without saying for
//! which session. So the provider leaves what it made in a slot of this thread, where
//! [`Hook::listen`] finds it right after `build`; it serves on when str0m's session is gone.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use dimpl::Dtls;
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile,
};

use super::dtls;
use crate::media::srtp::{Masters, Profile};

/// A session's DTLS, shared with str0m for as long as its session lives, and where the keys will be
/// once the handshake is done. Empty when no session was built.
#[derive(Clone, Default)]
pub struct KeySlot(Option<Arc<Mutex<Association>>>);

struct Association {
    inner: Dtls,
    masters: Option<Masters>,
}

impl KeySlot {
    /// Takes the keys out; `None` before the handshake and the second time.
    #[must_use]
    pub fn take(&self) -> Option<Masters> {
        self.0.as_deref().and_then(|association| lock(association).masters.take())
    }

    /// The DTLS itself, for who goes on with it after str0m.
    pub(super) fn dtls(&self) -> Option<Instance> {
        self.0.clone().map(Instance)
    }
}

fn lock(association: &Mutex<Association>) -> MutexGuard<'_, Association> {
    association.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySlot(***)")
    }
}

thread_local! {
    static MADE: RefCell<Option<KeySlot>> = const { RefCell::new(None) };
}

/// str0m's crypto with our ear on its DTLS.
#[derive(Clone)]
pub struct Hook {
    provider: Arc<CryptoProvider>,
}

impl Hook {
    /// The one hook of this process.
    #[must_use]
    pub fn shared() -> Self {
        static HOOK: OnceLock<Hook> = OnceLock::new();
        HOOK.get_or_init(|| {
            let base = str0m::crypto::from_feature_flags();
            // str0m wants a reference that lives as long as the process; there is one hook.
            let provider = Provider { base: base.dtls_provider, shared: dtls::Shared::default() };
            let dtls_provider = Box::leak(Box::new(provider));
            Self { provider: Arc::new(CryptoProvider { dtls_provider, ..base }) }
        })
        .clone()
    }

    /// The provider to build sessions with.
    #[must_use]
    pub fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    /// A new certificate; all sessions of a process can share one.
    #[must_use]
    pub fn certificate(&self) -> Option<DtlsCert> {
        self.provider.dtls_provider.generate_certificate()
    }

    /// Runs `build`, which must build exactly one session, and returns where its keys will be.
    pub fn listen<T>(&self, build: impl FnOnce() -> T) -> (T, KeySlot) {
        MADE.set(None);
        let built = build();
        (built, MADE.take().unwrap_or_default())
    }
}

#[derive(Debug)]
struct Provider {
    /// str0m's own.
    base: &'static dyn DtlsProvider,
    shared: dtls::Shared,
}

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.base.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.shared.start(cert, now, version, mtu)?;
        let association = Arc::new(Mutex::new(Association { inner, masters: None }));
        MADE.set(Some(KeySlot(Some(association.clone()))));
        Ok(Box::new(Instance(association)))
    }

    fn is_test(&self) -> bool {
        self.base.is_test()
    }
}

/// DTLS as str0m knows it, with our ear on it. Clones of a slot share one.
pub(super) struct Instance(Arc<Mutex<Association>>);

impl Instance {
    fn lock(&self) -> MutexGuard<'_, Association> {
        lock(&self.0)
    }
}

/// What is inside holds keys.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance(***)")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.lock().inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.lock().inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let mut association = self.lock();
        let output = association.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let profile = match profile {
                SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::AesCm128Sha1),
                SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AesGcm128),
                SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AesGcm256),
                _ => None,
            };
            let client = association.inner.is_active();
            association.masters = profile.and_then(|p| Masters::from_exporter(p, material, client));
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.lock().inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.lock().inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.lock().inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.lock().inner.protocol_version()
    }

    // The defaults of these two say false, and closing would never end.
    fn is_closing(&self) -> bool {
        self.lock().inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.lock().inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.lock().inner.close()
    }
}
