using System.Collections.Immutable;

namespace CertAuthority.Access;

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
        int leftOut = 0)
    {
        User = user;
        Roles = roles;
        Requests = requests;
        Principals = principals;
        Validity = validity;
        Permissions = permissions;
        LeftOut = leftOut;
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

    /// <summary>How many logins on hosts the roles grant beside these; each needs a certificate for that host.</summary>
    public int LeftOut { get; }

    /// <summary>What sshd writes into its log at each login: <c>user</c> or <c>user:request-id[,request-id]</c>; at most 256 bytes, since names have 63.</summary>
    public string KeyId => Requests.IsEmpty ? User.Name : $"{User.Name}:{string.Join(',', Requests)}";
}
