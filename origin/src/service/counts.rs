//! What happened since the start, by reason. The shell exports it as metrics.

use std::collections::BTreeMap;

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value of the metric's `reason` label.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

reasons! {
    /// Why a frame went nowhere.
    FrameDrop {
        /// Its track is not announced, or the announcement was refused.
        UnknownTrack = "unknown_track",
        /// Its track belongs to another link.
        ForeignTrack = "foreign_track",
        /// It is of an older epoch than its track.
        OlderEpoch = "older_epoch",
        /// It is of a newer epoch than its track was announced under.
        NewerEpoch = "newer_epoch",
        /// Its speaker is muted.
        Muted = "muted",
        /// Others are louder.
        Unselected = "unselected",
    }
}

reasons! {
    /// Why an announced track was refused.
    ClaimRefusal {
        /// No such room.
        UnknownRoom = "unknown_room",
        /// Nobody of that id in the room.
        UnknownParticipant = "unknown_participant",
        /// He joined through another link.
        ForeignParticipant = "foreign_participant",
        /// He may not speak.
        OffStage = "off_stage",
        /// It is not the track he joined with.
        ForeignTrack = "foreign_track",
        /// An edge makes no programme.
        ForeignKind = "foreign_kind",
        /// It was announced under a newer epoch before.
        OlderEpoch = "older_epoch",
        /// The link has announced as many tracks as it may.
        TooMany = "too_many",
    }
}

reasons! {
    /// Why a control message had no effect.
    ControlRefusal {
        /// An edge may not say this.
        Unexpected = "unexpected",
        /// It counts reactions that nobody can give.
        UnknownReaction = "unknown_reaction",
        /// It names a room that is not here.
        UnknownRoom = "unknown_room",
        /// It comes from a link that is not up, or no longer.
        UnknownLink = "unknown_link",
        /// It asks for something that this node does not know.
        UnknownInterest = "unknown_interest",
        /// The subscriber knows a newer owner than this one.
        NewerEpoch = "newer_epoch",
        /// The link asks for as much as it may.
        TooMany = "too_many",
    }
}

/// What happened since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames received.
    pub frames_in: u64,
    /// Frames sent, counted once per child.
    pub frames_out: u64,
    /// Frames of the last moments sent to edges that had lost a parent.
    pub frames_back_filled: u64,
    /// Frames dropped, by reason.
    pub frames_dropped: BTreeMap<FrameDrop, u64>,
    /// Announced tracks refused, by reason.
    pub claims_refused: BTreeMap<ClaimRefusal, u64>,
    /// Control messages without effect, by reason.
    pub controls_refused: BTreeMap<ControlRefusal, u64>,
    /// Decisions about who is heard.
    pub selections: u64,
    /// Snapshots of rooms, counted once per room.
    pub room_states: u64,
    /// Requests by kind and outcome (`done` or the problem's code).
    pub requests: BTreeMap<(&'static str, &'static str), u64>,
    /// Links closed because there were too many.
    pub links_refused: u64,
    /// Links closed because of persistent wrong claims.
    pub links_distrusted: u64,
    /// Participants who left because their edge did not come back in time.
    pub participants_lost: u64,
    /// Rooms closed because nobody came for long.
    pub rooms_expired: u64,
    /// Edges that were told from whom they get a room.
    pub branches_told: u64,
    /// Voices that were heard by their old edge until the new one brought them.
    pub voices_handed_over: u64,
    /// Voices that came over the standby from then on, because the link to their edge had ended.
    pub voices_carried: u64,
    /// Messages to edges of stages about each other.
    pub lanes_told: u64,
    /// Edges of a stage that were left out of its lane because there were too many.
    pub lane_edges_over: u64,
}

impl Counts {
    pub(super) fn drop_frame(&mut self, reason: FrameDrop) {
        *self.frames_dropped.entry(reason).or_default() += 1;
    }

    pub(super) fn refuse_claim(&mut self, reason: ClaimRefusal) {
        *self.claims_refused.entry(reason).or_default() += 1;
    }

    pub(super) fn refuse_control(&mut self, reason: ControlRefusal) {
        *self.controls_refused.entry(reason).or_default() += 1;
    }

    pub(super) fn note_request(&mut self, kind: &'static str, outcome: &'static str) {
        *self.requests.entry((kind, outcome)).or_default() += 1;
    }

    /// How many requests, of whatever kind, have ended so.
    #[must_use]
    pub fn requests_ended(&self, outcome: &str) -> u64 {
        let ended = self.requests.iter().filter(|((_, known), _)| *known == outcome);
        ended.map(|(_, count)| *count).sum()
    }
}
