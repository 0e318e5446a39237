"""Wires everything that speaks to Plaid."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from typing import TypedDict

from mingus.leaving.items import DepartedItems
from mingus.plaid.connections import Connections
from mingus.plaid.gateway import PlaidGateway
from mingus.plaid.institutions import Institutions
from mingus.plaid.leases import Leases
from mingus.plaid.linking import Linking
from mingus.plaid.linkjournal import LinkJournal
from mingus.plaid.outgoing import Circuit
from mingus.plaid.outgoing import OutgoingLimits
from mingus.plaid.refreshing import Refresher
from mingus.plaid.resting import Resting
from mingus.plaid.schedules import Schedules
from mingus.plaid.service import PlaidIntegrationService
from mingus.plaid.settling import Settling
from mingus.plaid.snapshots import Snapshots
from mingus.plaid.staging import Stager
from mingus.plaid.sync import SyncEngine
from mingus.vault import TokenVault

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.config import Settings
    from mingus.jobs import Jobs
    from mingus.limits import Limiter
    from mingus.notices.board import NoticeBoard


class PlaidParts(TypedDict):
    """What `plaid_parts` wires."""

    vault: TokenVault
    departed_items: DepartedItems
    outgoing: OutgoingLimits
    gateway: PlaidGateway
    connections: Connections
    linking: Linking
    sync: SyncEngine
    leases: Leases
    refresher: Refresher
    stager: Stager
    institutions: Institutions
    schedules: Schedules
    snapshots: Snapshots
    resting: Resting
    plaid: PlaidIntegrationService


def plaid_parts(
    settings: Settings,
    *,
    ambient: Ambient,
    jobs: Jobs,
    limiter: Limiter,
    board: NoticeBoard,
    trail: AuditTrail,
) -> PlaidParts:
    """Everything that speaks to Plaid, from the vault up to the service."""
    environment = settings.environment.value
    vault = TokenVault(settings.encryption_keys, ambient)
    outgoing = OutgoingLimits(ambient, per_minute=settings.calls_per_minute)
    gateway = PlaidGateway(settings=settings, ambient=ambient, outgoing=outgoing, circuit=Circuit(ambient))
    institutions = Institutions(ambient=ambient, gateway=gateway)
    journal = LinkJournal(ambient=ambient, vault=vault)
    leases = Leases(ambient=ambient, environment=environment)
    connections = Connections(
        settings=settings,
        ambient=ambient,
        jobs=jobs,
        vault=vault,
        gateway=gateway,
        leases=leases,
        board=board,
    )
    settling = Settling(
        ambient=ambient,
        jobs=jobs,
        vault=vault,
        gateway=gateway,
        connections=connections,
        institutions=institutions,
        journal=journal,
        leases=leases,
        trail=trail,
        environment=environment,
    )
    departed = DepartedItems(
        ambient=ambient, jobs=jobs, vault=vault, gateway=gateway, environment=environment
    )
    linking = Linking(
        ambient=ambient,
        jobs=jobs,
        vault=vault,
        gateway=gateway,
        journal=journal,
        settling=settling,
        institutions=institutions,
        departed=departed,
        environment=environment,
    )
    refresher = Refresher(
        ambient=ambient,
        jobs=jobs,
        gateway=gateway,
        connections=connections,
        environment=environment,
        products=settings.products,
    )
    stager = Stager(ambient)
    sync = SyncEngine(
        ambient=ambient,
        jobs=jobs,
        gateway=gateway,
        connections=connections,
        leases=leases,
        refresher=refresher,
        stager=stager,
        pause=time.sleep,
    )
    service = PlaidIntegrationService(
        settings=settings,
        ambient=ambient,
        limiter=limiter,
        trail=trail,
        vault=vault,
        gateway=gateway,
        connections=connections,
        linking=linking,
        institutions=institutions,
        sync=sync,
    )
    return {
        "vault": vault,
        "departed_items": departed,
        "outgoing": outgoing,
        "gateway": gateway,
        "connections": connections,
        "linking": linking,
        "sync": sync,
        "leases": leases,
        "refresher": refresher,
        "stager": stager,
        "institutions": institutions,
        "schedules": Schedules(
            ambient=ambient, jobs=jobs, leases=leases, connections=connections, environment=environment
        ),
        "snapshots": Snapshots(ambient),
        "resting": Resting(ambient=ambient, jobs=jobs, connections=connections, trail=trail),
        "plaid": service,
    }
