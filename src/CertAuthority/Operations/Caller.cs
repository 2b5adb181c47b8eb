using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>Who calls: what the kernel said, and nothing that the caller did.</summary>
/// <param name="Identity">Uid and account.</param>
/// <param name="IsRoot">Uid 0, or the uid that the daemon runs as.</param>
/// <param name="Login">As whom whoever runs the process once logged in, where the kernel says: sudo has a name.</param>
internal sealed record Caller(UnixIdentity Identity, bool IsRoot, UnixIdentity? Login = null)
{
    /// <summary>Nobody called: the daemon acts by itself. Its uid is never a caller's.</summary>
    public static readonly Caller Daemon = new(new UnixIdentity(uint.MaxValue, "certauthority"), IsRoot: true);

    /// <summary>The gids of the process.</summary>
    public ImmutableArray<uint> Groups { get; init; } = [];

    /// <summary>Why it is not known whether their groups make them a user; null where it is.</summary>
    public Refusal? NoGroups { get; init; }

    /// <summary>
    /// Why the system does not say which accounts the uids are; null where it does. Nothing is granted to such a caller, and root still
    /// takes away.
    /// </summary>
    public string? Unnamed { get; init; }

    /// <summary>
    /// The notify command that called, or what it has started; null for everybody else. It gives no right: records name it, for its account
    /// is the daemon's own.
    /// </summary>
    public string? Program { get; init; }

    /// <summary>How records name the caller.</summary>
    public string Name => Program ?? Identity.Account ?? $"uid {Identity.Uid}";

    /// <summary>Every form in which the kernel knows the caller.</summary>
    public IEnumerable<Alias> Aliases => Login is null ? Identity.Aliases : Identity.Aliases.Concat(Login.Aliases);

    /// <summary>What the rules of answering look at.</summary>
    public Answerer Answerer => new(Identity, IsRoot, Login);

    /// <summary>An entry of the audit with the caller in it.</summary>
    public AuditEntry Did(string what, DateTimeOffset now) => this == Daemon
        ? new AuditEntry { Time = now, Event = what }
        : new AuditEntry
        {
            Time = now,
            Event = what,
            Uid = Identity.Uid,
            Account = Identity.Account,
            LoginUid = Login?.Uid,
            Program = Program
        };
}

/// <summary>A caller who may administer. Only the route table's check makes one.</summary>
internal sealed record Administrator(Caller Caller);
