using System.Collections.Immutable;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one certificate. Only <see cref="IssuancePolicy"/> makes one, and the signer takes nothing else:
/// whoever holds a grant has passed every rule.
/// </summary>
public sealed class IssuanceGrant
{
    internal IssuanceGrant(
        User user,
        ImmutableArray<PinnedRole> roles,
        ImmutableArray<Guid> requests,
        ImmutableArray<Principal> principals,
        Validity validity,
        SessionPermissions permissions,
        string name)
    {
        User = user;
        Roles = roles;
        Requests = requests;
        Principals = principals;
        Validity = validity;
        Permissions = permissions;
        Name = name;
    }

    /// <summary>Whose certificate it is.</summary>
    public User User { get; }

    /// <summary>The roles in use, assigned ones first.</summary>
    public ImmutableArray<PinnedRole> Roles { get; }

    /// <summary>The requests in use.</summary>
    public ImmutableArray<Guid> Requests { get; }

    /// <summary>At least one.</summary>
    public ImmutableArray<Principal> Principals { get; }

    /// <summary>Valid when.</summary>
    public Validity Validity { get; }

    /// <summary>What a session may do.</summary>
    public SessionPermissions Permissions { get; }

    /// <summary>
    /// What tells it from the others of its login, fit for the name of a file: <c>everyday</c> or <c>elevated</c>, for the logins that
    /// no role attaches conditions to; <c>everyday-ROLE</c> or <c>elevated-ROLE</c> for those of a role with conditions.
    /// </summary>
    public string Name { get; }

    /// <summary>
    /// What sshd writes into its log at each login: <c>user</c> or <c>user:request-id[,request-id]</c>; at most 256 bytes, since names have
    /// 63.
    /// </summary>
    public string KeyId => Requests.IsEmpty ? User.Name : $"{User.Name}:{string.Join(',', Requests)}";
}

/// <summary>What one login is granted: certificates that are signed together.</summary>
/// <param name="Grants">
/// What was asked for comes first: with requests in use, what their roles open, and then what the assigned roles open alone. Empty where
/// every login on a host needs a certificate for that host.
/// </param>
/// <param name="Missing">Why certificates are missing that the roles would otherwise grant.</param>
/// <param name="Ends">When the last of them ends, and with it the login session.</param>
/// <param name="LeftOut">How many logins on hosts the roles grant beside these; each needs a certificate for that host.</param>
public sealed record LoginGrant(ImmutableArray<IssuanceGrant> Grants, ImmutableArray<Refusal> Missing, DateTimeOffset Ends, int LeftOut);
