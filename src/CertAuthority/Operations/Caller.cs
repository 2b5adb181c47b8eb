using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>The process that calls, identified only by what the kernel reports; nothing comes from the caller.</summary>
/// <param name="Identity">The uid and the account.</param>
/// <param name="IsRoot">Whether the uid is 0, or the uid that the daemon runs as.</param>
/// <param name="Login">
/// The account that the process's owner first logged in as, if the kernel knows it. It names the person behind sudo.
/// </param>
internal sealed record Caller(UnixIdentity Identity, bool IsRoot, UnixIdentity? Login = null)
{
    /// <summary>The daemon when it acts by itself. No caller can have its uid.</summary>
    public static readonly Caller Daemon = new(new UnixIdentity(uint.MaxValue, "certauthority"), IsRoot: true);

    /// <summary>The gids of the process.</summary>
    public ImmutableArray<uint> Groups { get; init; } = [];

    /// <summary>Why it is unknown whether the caller's groups make them a user; null if it is known.</summary>
    public Refusal? NoGroups { get; init; }

    /// <summary>
    /// Why the system cannot name the accounts of the uids; null if it can. Such a caller is granted nothing; root can still take access
    /// away.
    /// </summary>
    public string? Unnamed { get; init; }

    /// <summary>
    /// The notify command that calls, or a process that it started; null for every other caller. It gives no rights; records name it
    /// because its account is the daemon's own.
    /// </summary>
    public string? Program { get; init; }

    /// <summary>The name of the caller in records.</summary>
    public string Name => Program ?? Identity.Account ?? $"uid {Identity.Uid}";

    /// <summary>Every alias under which the kernel knows the caller.</summary>
    public IEnumerable<Alias> Aliases => Login is null ? Identity.Aliases : Identity.Aliases.Concat(Login.Aliases);

    /// <summary>The identity that the rules for reviewing requests examine.</summary>
    public Answerer Answerer => new(Identity, IsRoot, Login);

    /// <summary>Creates an audit entry that names the caller.</summary>
    public AuditEntry Did(AuditEvent what, DateTimeOffset now) => this == Daemon
        ? what.At(now)
        : what.At(now) with { Uid = Identity.Uid.Number, Account = Identity.Account, LoginUid = Login?.Uid.Number, Program = Program };
}

/// <summary>
/// A caller who may administer; in operations that the route table opens to auditors or monitors, also one of those. Only the check in the
/// route table creates one.
/// </summary>
internal sealed record Administrator(Caller Caller);
