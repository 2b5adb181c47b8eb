using System.Collections.Immutable;
using static CertAuthority.Protocol.AuditActor;
using static CertAuthority.Protocol.AuditPriority;

namespace CertAuthority.Protocol;

/// <summary>How much a kind of event matters, as syslog counts it.</summary>
public enum AuditPriority
{
    /// <summary>Somebody must act.</summary>
    Critical = 2,

    /// <summary>Somebody should look.</summary>
    Warning = 4,

    /// <summary>It changes who can do what.</summary>
    Notice = 5,

    /// <summary>Everyday work.</summary>
    Info = 6,
}

/// <summary>Who causes a kind of event; an entry has a uid if it was a caller.</summary>
public enum AuditActor
{
    /// <summary>Always a caller.</summary>
    Caller,

    /// <summary>Always the daemon by itself.</summary>
    Daemon,

    /// <summary>A caller or the daemon.</summary>
    Either,
}

/// <summary>A kind of event: a row of the table from which docs/audit.md is made. Only such a row creates an entry.</summary>
public sealed class AuditEvent
{
    internal AuditEvent(
        string name, AuditPriority priority, AuditActor by, string messageId, string meaning, string always, string sometimes = "")
    {
        (Name, Priority, By, MessageId, Meaning) = (name, priority, by, messageId, meaning);
        (Always, Sometimes) = (Words(always), Words(sometimes));
    }

    /// <summary>The name, <c>certificate.issued</c>.</summary>
    public string Name { get; }

    /// <summary>The priority of its entries in the journal.</summary>
    public AuditPriority Priority { get; }

    /// <summary>Who causes it.</summary>
    public AuditActor By { get; }

    /// <summary>The MESSAGE_ID of its entries in the journal. It never changes.</summary>
    public string MessageId { get; }

    /// <summary>What happened, in one line.</summary>
    public string Meaning { get; }

    /// <summary>The members that every entry has, in addition to <see cref="AuditEvents.OfEveryEntry"/>.</summary>
    public ImmutableArray<string> Always { get; }

    /// <summary>The members that some entries have, in addition to those of the caller.</summary>
    public ImmutableArray<string> Sometimes { get; }

    /// <summary>Creates an entry.</summary>
    public AuditEntry At(DateTimeOffset time) => new() { Time = time, Event = Name };

    private static ImmutableArray<string> Words(string words) => [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
}

#pragma warning disable CS1591 // Each event has its meaning in its row.

/// <summary>Every kind of event in the audit.</summary>
public static class AuditEvents
{
    public static readonly AuditEvent RoleCreated = new(
        "role.created", Notice, Either, "98aef077d22e4f968084b6d37b37e6ae", "a role was created",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent RoleUpdated = new(
        "role.updated", Notice, Either, "c462b5d4f65e4e53b916c6e6fb56022f", "a role was changed, or written again without a change",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent RoleRemoved = new(
        "role.removed", Notice, Either, "6df02ada186347dbbd6c5cd284c5b6fe", "a role was removed",
        "resource", "changes changes_left_out reason");

    public static readonly AuditEvent UserCreated = new(
        "user.created", Notice, Either, "4180b994cb84469bb41705e6946951f7", "a user was created",
        "resource user digest", "changes changes_left_out reason granted");

    public static readonly AuditEvent UserUpdated = new(
        "user.updated", Notice, Either, "97af80435891458cbc0ac19152a9129d", "a user was changed, or written again without a change",
        "resource user digest", "changes changes_left_out reason granted");

    public static readonly AuditEvent UserRemoved = new(
        "user.removed", Notice, Either, "079c0ac5c1e8403abdeaaeb0a98223b4", "a user was removed",
        "resource user", "changes changes_left_out reason granted");

    public static readonly AuditEvent NodeCreated = new(
        "node.created", Notice, Either, "f8c03b33cffc4468bd1c732d0e9ae12b", "a node was created",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent NodeUpdated = new(
        "node.updated", Notice, Either, "06efd6c3171d4103af86cc5ca9baa461", "a node was changed, or written again without a change",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent NodeRemoved = new(
        "node.removed", Notice, Either, "737a3eec652c4756b71a1ab759e51ab4", "a node was removed",
        "resource", "changes changes_left_out reason");

    public static readonly AuditEvent NodeGroupCreated = new(
        "node_group.created", Notice, Either, "f5f80b810c7b4006871a2fe2f3d53a34", "a group of hosts was created",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent NodeGroupUpdated = new(
        "node_group.updated", Notice, Either, "8470a8d8158645b6a8edd010d6c595a2",
        "a group of hosts was changed, or written again without a change",
        "resource digest", "changes changes_left_out reason");

    public static readonly AuditEvent NodeGroupRemoved = new(
        "node_group.removed", Notice, Either, "48954e3cf09b4f0392cc83af6b1df288", "a group of hosts was removed",
        "resource", "changes changes_left_out reason");

    public static readonly AuditEvent LockCreated = new(
        "lock.created", Notice, Either, "78b7bc17291d4712ab6808f6e610cdba", "a lock was created",
        "resource digest", "changes changes_left_out reason user request");

    public static readonly AuditEvent LockUpdated = new(
        "lock.updated", Notice, Either, "f116783e89c348458e22e1474e121427", "a lock was changed, or written again without a change",
        "resource digest", "changes changes_left_out reason user request");

    public static readonly AuditEvent LockRemoved = new(
        "lock.removed", Notice, Either, "dcfbedf9485541f7805d523934eace98", "a lock was removed",
        "resource", "changes changes_left_out reason user request");

    public static readonly AuditEvent RequestCreated = new(
        "request.created", Info, Caller, "9b2b78bd16264c6f921df5559b3195d8", "a request was filed",
        "user request state asked", "resources reason");

    public static readonly AuditEvent RequestReviewed = new(
        "request.reviewed", Info, Caller, "c9d7a324a17540a89e2ec4345c9255a7", "a reviewer voted on a request",
        "user request state asked reviewer vote granted", "resources tally max_duration reason");

    public static readonly AuditEvent RequestApproved = new(
        "request.approved", Notice, Caller, "cfa8ce96cbe64ba084946b97755cb481", "a request was approved",
        "user request state asked granted valid_before", "resources limited_by self reviewer tally overridden reason");

    public static readonly AuditEvent RequestDenied = new(
        "request.denied", Notice, Either, "001023bada8a42048c7a80ee47442ef9", "a request was denied, or an approval was taken back",
        "user request state asked granted", "resources self reviewer tally reason");

    public static readonly AuditEvent RequestCancelled = new(
        "request.cancelled", Info, Either, "6d2556de9124473da1b200bfe59f18e2", "a request was cancelled, or its access given back",
        "user request state asked granted", "resources self reason");

    public static readonly AuditEvent RequestShortened = new(
        "request.shortened", Notice, Either, "88d7f52bfe60409fb03e2f14890a9ae4", "a request or its access ends earlier than before",
        "user request state asked granted reason changes", "resources valid_before limited_by");

    public static readonly AuditEvent RequestRemoved = new(
        "request.removed", Notice, Caller, "73a4a26b2adc4257aa49a3fd8f90ec17", "a request was removed",
        "user request state asked granted", "resources valid_before limited_by self reason");

    public static readonly AuditEvent CertificateIssued = new(
        "certificate.issued", Info, Caller, "b7ece768dac9419aa66c6bfd9b074fff",
        "a certificate was issued to a user, or to prove that a host works",
        "serial principals valid_before limited_by digest", "user granted requests resource");

    public static readonly AuditEvent CertificateRevoked = new(
        "certificate.revoked", Notice, Either, "bfcfcd49f16b4c249c55ffe640cc6298", "a certificate of a user was revoked",
        "user serial requests", "reason");

    public static readonly AuditEvent HostCertificateIssued = new(
        "host_certificate.issued", Info, Either, "dbb60660a51748a988c0d6c1133262c9", "a certificate was issued to a host",
        "resource serial principals valid_before limited_by digest");

    public static readonly AuditEvent SyncCertificateIssued = new(
        "sync_certificate.issued", Info, Daemon, "98f45211c841492c9357b3b5a488ff9d",
        "the daemon issued a certificate to itself, to write to hosts",
        "serial principals valid_before limited_by digest");

    public static readonly AuditEvent NodeTakenOver = new(
        "node.taken_over", Warning, Caller, "49038efe136a49919f58571c5098c0d9", "a host was taken over from another daemon",
        "resource");

    public static readonly AuditEvent NodeAltered = new(
        "node.altered", Warning, Daemon, "9edd6acf1a09438883790c8b13f90913",
        "somebody had changed what the daemon wrote to a host, or put something older back", "resource reason");

    public static readonly AuditEvent JoinTokenCreated = new(
        "join_token.created", Notice, Caller, "3d44b3fbd2e34118a1a2544d602c21ac", "an administrator let hosts join by themselves, by a token or a known host key",
        "resource valid_before reason");

    public static readonly AuditEvent JoinTokenEnded = new(
        "join_token.ended", Notice, Caller, "f4b5e89c54a8442aa6841cc4285acc61", "an administrator ended that",
        "resource reason");

    public static readonly AuditEvent JoinAsked = new(
        "join.asked", Notice, Daemon, "9418d458545b473aa4dddf74769e8ffa", "a host asked to join, and used a token",
        "resource reason");

    public static readonly AuditEvent JoinAdmitted = new(
        "join.admitted", Notice, Either, "0de90dec5d9f494da0c1a11f951d0c94", "a host that asked to join was admitted, and has a node",
        "resource reason");

    public static readonly AuditEvent JoinRefused = new(
        "join.refused", Notice, Caller, "c563eb4c6fba4d14a2278e9de606ae63", "a host that asked to join was refused",
        "resource reason");

    public static readonly AuditEvent CaRevoked = new(
        "ca.revoked", Warning, Either, "4513c9805de14386bd52661f36983f8b", "a replaced CA key was revoked",
        "resource reason");

    public static readonly AuditEvent CaPrepared = new(
        "ca.prepared", Notice, Caller, "0fcc032dfbf142b19dbac5ee1168ef3f", "the next CA key was made, and is trusted beside the old one",
        "resource");

    public static readonly AuditEvent CaSwitched = new(
        "ca.switched", Notice, Either, "1dae86be08a041f6b3c6583098426f26", "the next CA key signs", "resource", "reason");

    public static readonly AuditEvent CaRetired = new(
        "ca.retired", Notice, Either, "d785462b6a9246ed94e664dfebbfec23", "the old CA key is trusted no longer", "resource", "reason");

    public static readonly AuditEvent CaRolledBack = new(
        "ca.rolled_back", Notice, Caller, "129ff81a07a242eaa781d518c2adf641", "a rotation of a CA key went one step back", "resource", "reason");

    public static readonly AuditEvent CaConfirmed = new(
        "ca.confirmed", Notice, Caller, "78cf29856c1742a9a8af1186d370af78", "an administrator said which hosts trust the next CA key",
        "resource reason");

    public static readonly AuditEvent CaScheduled = new(
        "ca.scheduled", Notice, Caller, "8a159c9f69d04167a270e79d2ae4a8cf", "the steps of a rotation were scheduled, or are by command again",
        "resource reason");

    public static readonly AuditEvent CaVouched = new(
        "ca.vouched", Notice, Daemon, "5d0f6b0c5f0e4c2fa1a4a3a9d51f7c26",
        "the host CA key named one that an administrator had made known as the one that takes over", "resource");

    public static readonly AuditEvent CaUnusable = new(
        "ca.unusable", Critical, Daemon, "6be54b25b6e04b8ba5938059a18d6d2b", "a CA key cannot sign, so it signs nothing",
        "resource reason");

    public static readonly AuditEvent CaUsable = new(
        "ca.usable", Notice, Daemon, "a8ea1fa8cfb1451a866b667c52e27aba", "a CA key that could not sign signs again",
        "resource reason");

    public static readonly AuditEvent BackupTaken = new(
        "backup.taken", Notice, Caller, "b89fccef59264870acd8ae2408237327", "a copy of the database was made", "");

    public static readonly AuditEvent DaemonStarted = new(
        "daemon.started", Notice, Daemon, "2769576d8157493e8df3de7d4551f274", "the daemon began to serve",
        "version admins", "changes changes_left_out reason");

    public static readonly AuditEvent DaemonReloaded = new(
        "daemon.reloaded", Notice, Daemon, "c950e9799ac74c0482274b4f1db1951d", "the configuration was read again",
        "version admins", "changes changes_left_out");

    public static readonly AuditEvent DaemonStopped = new(
        "daemon.stopped", Notice, Daemon, "f94d3614a6fd479fa732a16810f1dd56", "the daemon stopped in order",
        "version", "reason");

    public static readonly AuditEvent DaemonRestored = new(
        "daemon.restored", Warning, Daemon, "7259b6557f144114ae340dac1a28a75e",
        "the daemon started on a database older than what had happened",
        "reason");

    public static readonly AuditEvent ClockStepped = new(
        "clock.stepped", Critical, Daemon, "6bba1466fcd740f0a0c268fc88c06c80", "the clock is not where it should be, so nothing is granted",
        "reason changes");

    public static readonly AuditEvent ClockAgreed = new(
        "clock.agreed", Notice, Daemon, "8de0de1c4723486d9efe4f08567f1a60", "the clock is where it should be again",
        "reason changes");

    public static readonly AuditEvent ClockAccepted = new(
        "clock.accepted", Warning, Caller, "5fb9ae4cb520416bbafb5d68e08c9eea", "root declared that the clock is right",
        "reason changes");

    public static readonly AuditEvent AuditProofFailed = new(
        "audit.proof_failed", Critical, Daemon, "7edc6d8c4f674512bc0d2e7e27ca70c3",
        "the audit does not match its last checkpoint, so no certificate is issued",
        "reason");

    public static readonly AuditEvent AuditAccepted = new(
        "audit.accepted", Warning, Caller, "ca4db663f78f4e1b9751103d1f7a2673", "root began another log over the audit after such a fault",
        "reason changes");

    public static readonly AuditEvent AuditLogReplaced = new(
        "audit.log_replaced", Warning, Daemon, "708c25cea17d4268bff5c504e911ac5c", "another log over the audit began after a restore",
        "changes");

    public static readonly AuditEvent AuditArchived = new(
        "audit.archived", Notice, Caller, "a391756614ac45a59ddd5aa0000941a4",
        "root removed old entries of the audit that are in an archive",
        "count changes");

    public static readonly AuditEvent AccessReviewStarted = new(
        "access_review.started", Notice, Caller, "54b77bf05f074f3e9bd53b15c00a8904", "a review of everybody's access began, on a report",
        "access_review");

    public static readonly AuditEvent AccessReviewDone = new(
        "access_review.done", Notice, Caller, "e94d69e978714ab092e58b9b28d6734a", "a review of everybody's access was signed off",
        "access_review");

    public static readonly AuditEvent AccessRefused = new(
        "access.refused", Warning, Caller, "816d9d37bf784904b941b6039b9d9811", "a call was refused",
        "route reason", "user request requests");

    public static readonly AuditEvent RefusalsLeftOut = new(
        "access.refusals_left_out", Warning, Either, "fa193e169dc84b8498fef9c681b48596", "further refusals were only counted",
        "count reason");

    /// <summary>All of them, in the order of docs/audit.md.</summary>
    public static readonly ImmutableArray<AuditEvent> All =
    [
        RoleCreated, RoleUpdated, RoleRemoved, UserCreated, UserUpdated, UserRemoved, NodeCreated, NodeUpdated, NodeRemoved,
        NodeGroupCreated, NodeGroupUpdated, NodeGroupRemoved, LockCreated, LockUpdated, LockRemoved, RequestCreated,
        RequestReviewed, RequestApproved, RequestDenied, RequestCancelled,
        RequestShortened, RequestRemoved, CertificateIssued, CertificateRevoked, HostCertificateIssued, SyncCertificateIssued,
        NodeTakenOver, NodeAltered, JoinTokenCreated, JoinTokenEnded, JoinAsked, JoinAdmitted, JoinRefused, CaRevoked, CaPrepared,
        CaSwitched, CaRetired, CaRolledBack, CaConfirmed, CaScheduled, CaVouched, CaUnusable, CaUsable, BackupTaken, DaemonStarted,
        DaemonReloaded, DaemonStopped, DaemonRestored, ClockStepped, ClockAgreed, ClockAccepted,
        AuditProofFailed, AuditAccepted, AuditLogReplaced, AuditArchived, AccessReviewStarted, AccessReviewDone, AccessRefused,
        RefusalsLeftOut,
    ];

    /// <summary>The members of every entry. Whoever reads it from the daemon also gets <c>seq</c>.</summary>
    public static readonly ImmutableArray<string> OfEveryEntry = ["time", "event"];

    /// <summary>The member of an entry that a caller caused; if it is absent, the daemon acted by itself.</summary>
    public const string Uid = "uid";

    /// <summary>Further members that describe a caller, as far as they are known.</summary>
    public static readonly ImmutableArray<string> OfCallers = ["account", "login_uid", "program"];

    private static readonly Dictionary<string, AuditEvent> ByName = All.ToDictionary(one => one.Name, StringComparer.Ordinal);

    /// <summary>Finds the event of a kind of resource, or of a state of a request: <c>role</c> and <c>created</c>.</summary>
    public static AuditEvent Of(string subject, string verb) => ByName[$"{subject}.{verb}"];

    /// <summary>Finds an event by its name; null if another version of the daemon wrote it.</summary>
    public static AuditEvent? Find(string name) => ByName.GetValueOrDefault(name);
}
