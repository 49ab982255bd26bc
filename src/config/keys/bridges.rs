//! Bridges (spec/70 §5.5).

use super::{COUNT, FRACTION, INT, POSITIVE, STRATEGY};
use crate::config::legacy::names;
use crate::config::schema::Key;
use crate::config::typed::Kind;

pub(super) const KEYS: &[Key] = &[
    // §5.5
    Key::unset("jicofo.bridge.brewery-jid", Kind::BareJid, "Room in which bridges announce themselves.")
        .legacy(names::BRIDGE_MUC),
    Key::new(
        "jicofo.bridge.xmpp-connection-name",
        Kind::Choice(&["Client", "Service"]),
        "Service",
        "Connection that joins the brewery.",
    )
    .refuse(),
    Key::new(
        "jicofo.bridge.selection-strategy",
        STRATEGY,
        "SingleBridgeSelectionStrategy",
        "How a bridge is chosen for a participant.",
    )
    .refuse()
    .legacy(names::STRATEGY),
    Key::unset(
        "jicofo.bridge.participant-selection-strategy",
        STRATEGY,
        "Strategy for participants; required with VisitorSelectionStrategy.",
    )
    .refuse(),
    Key::unset(
        "jicofo.bridge.visitor-selection-strategy",
        STRATEGY,
        "Strategy for visitors; required with VisitorSelectionStrategy.",
    )
    .refuse(),
    Key::new(
        "jicofo.bridge.topology-strategy",
        Kind::ClassName(&["SingleMeshTopologyStrategy", "VisitorTopologyStrategy"]),
        "SingleMeshTopologyStrategy",
        "How the bridges of a conference are connected.",
    ),
    Key::unset("jicofo.bridge.region-groups", Kind::RegionGroups, "Regions that are close to each other."),
    Key::new(
        "jicofo.bridge.max-bridge-participants",
        INT,
        "80",
        "Endpoints of one conference on one bridge; 0 or less: no limit.",
    )
    .legacy(names::MAX_PER_BRIDGE),
    Key::new(
        "jicofo.bridge.max-bridge-participants-per-interval",
        INT,
        "-1",
        "Endpoints that one conference may add to one bridge in an interval; 0 or less: no limit.",
    ),
    Key::new("jicofo.bridge.max-bridge-participants-interval", Kind::Duration(0), "1 minute", "That interval."),
    Key::new(
        "jicofo.bridge.selection-load-model",
        Kind::LooseChoice(&["predictive", "classic"]),
        "predictive",
        "How the load is estimated that a bridge has not reported yet: from what was placed on it and what that has cost it \
         before (docs/BRIDGES.md), or, with classic, as the original does: an average for each recent endpoint.",
    ),
    Key::new(
        "jicofo.bridge.average-participant-stress",
        FRACTION,
        "0.01",
        "Stress that a participant adds, until the bridge reports its own (classic), or has shown it (predictive).",
    ),
    Key::new(
        "jicofo.bridge.participant-rampup-interval",
        Kind::Duration(0),
        "20 seconds",
        "How long an endpoint counts as recently added; with the classic load model.",
    ),
    Key::new("jicofo.bridge.stress-threshold", FRACTION, "0.8", "A bridge with this stress or more is overloaded."),
    Key::new(
        "jicofo.bridge.failure-reset-threshold",
        Kind::Duration(0),
        "1 minute",
        "A failed bridge is not used for at least this long.",
    )
    .legacy(names::FAILURE_RESET),
    Key::new(
        "jicofo.bridge.health-checks.enabled",
        Kind::Bool,
        "true",
        "Check bridges; otherwise all count as healthy.",
    )
    .refuse()
    .legacy(names::CHECK_ENABLED),
    Key::new("jicofo.bridge.health-checks.interval", POSITIVE, "10 seconds", "Period of the checks.")
        .refuse()
        .legacy(names::CHECK_INTERVAL),
    Key::unset(
        "jicofo.bridge.health-checks.retry-delay",
        Kind::Duration(0),
        "Wait before the second try after a timeout; 0: none; unset: half the interval.",
    )
    .legacy(names::CHECK_RETRY),
    Key::new("jicofo.bridge.health-checks.use-presence", Kind::Bool, "false", "Judge by presence instead of requests."),
    Key::new(
        "jicofo.bridge.health-checks.presence-timeout",
        Kind::Duration(0),
        "45 seconds",
        "Presence older than this means a failed bridge.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.enabled",
        Kind::Bool,
        "false",
        "Stop using a bridge to which many endpoints cannot connect.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.interval",
        Kind::Duration(0),
        "2 minutes",
        "Window in which failures are counted.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.min-endpoints",
        COUNT,
        "30",
        "Endpoints a bridge must have before it is judged.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.threshold",
        FRACTION,
        "0.1",
        "Fraction of endpoints that ask for a restart.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.timeout",
        Kind::Duration(0),
        "10 minutes",
        "How long the bridge is not used then.",
    ),
    Key::new(
        "jicofo.bridge.load-redistribution.enabled",
        Kind::Bool,
        "false",
        "Move endpoints away from overloaded bridges.",
    )
    .refuse(),
    Key::new(
        "jicofo.bridge.load-redistribution.interval",
        POSITIVE,
        "1 minute",
        "Period of looking for overloaded bridges.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled"),
    Key::new(
        "jicofo.bridge.load-redistribution.stress-threshold",
        FRACTION,
        "0.9",
        "Stress from which endpoints are moved; should exceed bridge.stress-threshold.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled"),
    Key::new(
        "jicofo.bridge.load-redistribution.timeout",
        Kind::Duration(0),
        "3 minutes",
        "Pause of a bridge after endpoints were moved.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled"),
    Key::new("jicofo.bridge.load-redistribution.endpoints", COUNT, "10", "Endpoints moved at once.")
        .refuse_if("jicofo.bridge.load-redistribution.enabled"),
];
