using System.Collections.Immutable;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Permission to sign one certificate. Only <see cref="IssuancePolicy"/> creates one, and the signer accepts nothing else, so every
/// certificate has passed every rule.
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

    /// <summary>The user that the certificate is for.</summary>
    public User User { get; }

    /// <summary>The roles in use, assigned ones first.</summary>
    public ImmutableArray<PinnedRole> Roles { get; }

    /// <summary>The requests in use.</summary>
    public ImmutableArray<Guid> Requests { get; }

    /// <summary>The principals; at least one.</summary>
    public ImmutableArray<Principal> Principals { get; }

    /// <summary>
    /// The same logins on the hosts of groups, as far as the roles grant them on every host of a group. A certificate contains one only in
    /// place of the principals of the hosts.
    /// </summary>
    internal ImmutableArray<Principal> ByGroup { get; init; } = [];

    /// <summary>The validity of the certificate.</summary>
    public Validity Validity { get; }

    /// <summary>Whether it opens no login, but lets its holder pass jump hosts.</summary>
    public bool IsJump => Principals.All(principal => principal.IsJump);

    /// <summary>What a session may do.</summary>
    public SessionPermissions Permissions { get; }

    /// <summary>
    /// A name that distinguishes the certificate from the others of the same login, usable in a file name: <c>everyday</c> or
    /// <c>elevated</c> for logins without conditions, <c>everyday-ROLE</c> or <c>elevated-ROLE</c> for those of a role with conditions;
    /// <c>jump-</c> before one of these for passing the jump hosts on the way there.
    /// </summary>
    public string Name { get; }

    /// <summary>
    /// The key ID, which sshd writes to its log at each login: <c>user</c> or <c>user:request-id[,request-id]</c>. It has at most 256
    /// bytes, because names have at most 63.
    /// </summary>
    public string KeyId => Requests.IsEmpty ? User.Name : $"{User.Name}:{string.Join(',', Requests)}";
}

/// <summary>The result of one login: certificates that are signed together.</summary>
/// <param name="Grants">
/// The certificates, with the requested access first: with requests in use, the logins that their roles open, followed by those that the
/// assigned roles open alone. Empty if every login on a host needs a certificate for that host.
/// </param>
/// <param name="Missing">The reasons why certificates that the roles would otherwise grant are missing.</param>
/// <param name="Ends">When the last certificate expires; the login session ends then too.</param>
/// <param name="LeftOut">How many more logins on hosts the roles grant; each needs a certificate for that host.</param>
public sealed record LoginGrant(ImmutableArray<IssuanceGrant> Grants, ImmutableArray<Refusal> Missing, DateTimeOffset Ends, int LeftOut);
