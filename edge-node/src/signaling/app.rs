//! What every request may use: the room side, who is believed, the addresses of sessions, the bounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::HeaderValue;
use stoa_protocol::tenant::Quota;
use stoa_protocol::token::TokenError;
use tokio::sync::{Semaphore, watch};

use super::alternatives::{Alternative, Others};
use super::authority::Authority;
use super::authorization::{Caller, refused};
use super::client::Client;
use super::ice_servers;
use super::metrics::{Limit, SignalingMetrics};
use super::offer::{Offer, OfferTooLarge};
use super::problem::{Problem, sentence};
use super::rooms::{Answer, Rooms};
use super::sessions::{Addressed, Addresses, ResourceId};
use super::settings::Settings;
use super::socket::{ClientIceServer, RosterTexts};
use crate::drain::DrainSwitch;
use crate::rooms::{JoinAsk, Joined, Present};
use crate::webrtc::SessionId;

/// Shared by all requests.
pub(super) type Shared = Arc<App>;

/// See the module.
pub(super) struct App {
    pub(super) rooms: Arc<dyn Rooms>,
    pub(super) authority: Arc<Authority>,
    pub(super) settings: Settings,
    pub(super) metrics: SignalingMetrics,
    /// One permit per WebSocket.
    pub(super) websockets: Arc<Semaphore>,
    /// Turns true once, when the server stops.
    stopping: watch::Receiver<bool>,
    /// Other edges, for who finds no room here.
    pub(super) others: Others,
    /// Whether this edge is to leave.
    pub(super) drain: DrainSwitch,
    /// `Link` headers of a new session.
    pub(super) ice_links: Vec<HeaderValue>,
    /// The same servers for WebSocket clients.
    pub(super) ice_servers: Vec<ClientIceServer>,
    /// What rosters read like.
    pub(super) roster_texts: RosterTexts,
    addresses: Mutex<Addresses>,
}

impl App {
    pub(super) fn new(
        settings: Settings,
        authority: Arc<Authority>,
        rooms: Arc<dyn Rooms>,
        metrics: SignalingMetrics,
        stopping: watch::Receiver<bool>,
    ) -> anyhow::Result<Shared> {
        Ok(Arc::new(Self {
            others: Others::new(&settings.alternatives)?,
            drain: DrainSwitch::new(settings.drain),
            ice_links: ice_servers::links(&settings.ice_servers)?,
            ice_servers: ice_servers::for_clients(&settings.ice_servers),
            websockets: Arc::new(Semaphore::new(permits(settings.limits.websockets_max) as usize)),
            roster_texts: RosterTexts::default(),
            addresses: Mutex::new(Addresses::new(settings.limits.sessions_max)),
            rooms,
            authority,
            settings,
            metrics,
            stopping,
        }))
    }

    /// Awaits the room side's answer for as long as the settings allow.
    pub(super) async fn ask<T>(&self, answer: Answer<'_, T>) -> Result<T, Problem> {
        let patience = Duration::from_secs(self.settings.limits.rooms_answer_s);
        match tokio::time::timeout(patience, answer).await {
            Ok(answered) => answered.map_err(Problem::from),
            Err(_) => {
                self.metrics.reached(Limit::RoomsAnswer);
                Err(Problem::unavailable("answer-late", "This node did not answer in time."))
            }
        }
    }

    /// Asks the room side to take somebody in, and tells the operator what came of it.
    ///
    /// # Errors
    /// 429 beyond a quota, 401 for a token that is revoked meanwhile, and those of the room side.
    pub(super) async fn join(
        &self,
        ask: JoinAsk,
        caller: &Caller,
        client: Client,
    ) -> Result<Joined, Problem> {
        let (room, role) = (ask.room.clone(), ask.role);
        let mut joined = match self.admit(caller, client) {
            Ok(()) => self.ask(self.rooms.join(ask)).await.inspect_err(|problem| {
                self.note_quota(caller, problem);
            }),
            Err(problem) => Err(problem),
        };
        if let Ok(Joined { present: Present { session, .. }, .. }) = joined {
            let trace = caller.bearer.trace(Some(&room));
            self.authority.opened(session, trace.clone());
            if self.authority.is_revoked(&trace) {
                // The revocation came in between, and did not know of this session.
                let _ = self.ask(self.rooms.leave(session)).await;
                self.forget(session);
                joined = Err(refused(self, &TokenError::Revoked));
            }
        }
        if let Err(problem) = &mut joined
            && problem.is_of_this_edge()
        {
            problem.alternatives = self.alternatives();
        }
        match &joined {
            Ok(joined) => {
                tracing::debug!(%room, ?role, participant = %joined.present.participant, "joined");
            }
            Err(problem) => {
                let (status, code) = (problem.status.as_u16(), &*problem.code);
                tracing::info!(%room, ?role, status, code, "join refused");
            }
        }
        joined
    }

    /// Where somebody may go instead; everybody is told another order.
    pub(super) fn alternatives(&self) -> Arc<[Alternative]> {
        self.others.in_turn(rand::random())
    }

    /// Counts a join that the room's owner has refused because it knows more participants than this edge.
    fn note_quota(&self, caller: &Caller, problem: &Problem) {
        if problem.code == Quota::Participants.code() {
            self.metrics.quota_reached(caller.tenant(), Quota::Participants);
        }
    }

    /// Counts a join against the quotas of its tenant.
    ///
    /// # Errors
    /// 429.
    fn admit(&self, caller: &Caller, client: Client) -> Result<(), Problem> {
        match self.authority.admit(&caller.bearer, client.0.into(), Instant::now()) {
            Ok(forgot) => {
                if forgot {
                    self.metrics.reached(Limit::QuotaAddresses);
                }
                Ok(())
            }
            Err(reached) => {
                self.metrics.quota_reached(caller.tenant(), reached.quota);
                Err(Problem::from(reached))
            }
        }
    }

    /// Takes an offer as a client sent it.
    ///
    /// # Errors
    /// 400 over 16 KiB.
    pub(super) fn read_offer(&self, sdp: &str) -> Result<Offer, Problem> {
        self.bounded(Offer::read(sdp))
    }

    /// Counts an offer over its bound and makes a problem of it.
    ///
    /// # Errors
    /// 400.
    pub(super) fn bounded(&self, offer: Result<Offer, OfferTooLarge>) -> Result<Offer, Problem> {
        offer.map_err(|error| {
            self.metrics.reached(Limit::OfferBytes);
            Problem::bad_request("offer-too-large", sentence(&error))
        })
    }

    /// Counts an ICE restart over its session's allowance and makes a problem of it.
    ///
    /// # Errors
    /// 429.
    pub(super) fn check_restart(&self, admitted: bool) -> Result<(), Problem> {
        if admitted {
            return Ok(());
        }
        self.metrics.reached(Limit::RestartRate);
        Err(Problem::restarts_too_many())
    }

    /// Waits until the server stops; one that is gone without saying so has stopped as well.
    pub(super) async fn stopped(&self) {
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// Gives a session an address.
    pub(super) fn remember(&self, id: ResourceId, addressed: Addressed) {
        let mut addresses = self.addresses();
        if addresses.insert(id, addressed) {
            self.metrics.reached(Limit::Sessions);
        }
        self.metrics.set_session_urls(addresses.len());
    }

    /// The session has ended, so its address ends.
    pub(super) fn forget(&self, session: SessionId) {
        self.authority.ended(session);
        let mut addresses = self.addresses();
        addresses.forget(session);
        self.metrics.set_session_urls(addresses.len());
    }

    /// The table of addresses; never hold it across an await.
    pub(super) fn addresses(&self) -> MutexGuard<'_, Addresses> {
        // Every mutation of the table is complete before anything could panic.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A configured maximum as a number of permits; no host has more sockets than that.
pub(super) fn permits(max: usize) -> u32 {
    u32::try_from(max).unwrap_or(u32::MAX)
}

/// Seconds since 1970, for the expiry of tokens.
pub(super) fn now_unix_s() -> u64 {
    // A clock before 1970 makes every token valid too early rather than the server panic.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
