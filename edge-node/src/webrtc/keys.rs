//! Learns the SRTP keys of a session while str0m does the handshake.
//!
//! str0m asks its crypto provider for a DTLS instance inside `RtcConfig::build`, without saying for
//! which session. So [`Hook::listen`] leaves a slot in this thread just before `build`, and the
//! wrapped instance fills it when the handshake yields its keys.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use dimpl::Dtls;
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile,
};

use super::dtls;
use crate::media::srtp::{Masters, Profile};

/// Where a session's keys will be once its handshake is done.
#[derive(Clone, Default)]
pub struct KeySlot(Arc<Mutex<Option<Masters>>>);

impl KeySlot {
    /// Takes the keys out; `None` before the handshake and the second time.
    #[must_use]
    pub fn take(&self) -> Option<Masters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fill(&self, masters: Option<Masters>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = masters;
    }
}

impl fmt::Debug for KeySlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySlot(***)")
    }
}

thread_local! {
    static NEXT: RefCell<Option<KeySlot>> = const { RefCell::new(None) };
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
        let slot = KeySlot::default();
        NEXT.with_borrow_mut(|next| *next = Some(slot.clone()));
        let built = build();
        NEXT.with_borrow_mut(|next| *next = None);
        (built, slot)
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
        let slot = NEXT.with_borrow_mut(Option::take).unwrap_or_default();
        Ok(Box::new(Instance { inner, slot }))
    }

    fn is_test(&self) -> bool {
        self.base.is_test()
    }
}

struct Instance {
    inner: Dtls,
    slot: KeySlot,
}

/// What is inside holds keys.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance(***)")
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let profile = match profile {
                SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::AesCm128Sha1),
                SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AesGcm128),
                SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AesGcm256),
                _ => None,
            };
            let client = self.inner.is_active();
            self.slot.fill(profile.and_then(|p| Masters::from_exporter(p, material, client)));
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    // The defaults of these two say false, and closing would never end.
    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
