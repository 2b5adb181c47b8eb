using System.Collections.Immutable;
using CertAuthority.Access;
using CertAuthority.Linux;
using CertAuthority.Operations;

namespace CertAuthority.Api;

/// <summary>Who is calling. The kernel says; headers, arguments, environment and JSON are never asked.</summary>
/// <param name="ownUid">The uid of the daemon.</param>
/// <param name="administrators">Accounts that the configuration names.</param>
/// <param name="groups">Groups whose members administer too.</param>
internal sealed class Callers(uint ownUid, ImmutableHashSet<string> administrators, ImmutableHashSet<string> groups)
{
    /// <summary>The caller at the other end of a connection, under the account that the uid has now.</summary>
    public Caller Of(Peer peer) => new(Identity(peer.Uid), IsRoot: peer.Uid == 0 || peer.Uid == ownUid, peer.LoginUid is { } login ? Identity(login) : null)
    {
        Groups = peer.Groups,
        Program = peer.Session is { } session ? ForeignProgram.OfSession(session) : null,
    };

    /// <summary>Whether the row lets the caller in.</summary>
    public bool May(Caller caller, Who who) => who switch
    {
        Who.Anybody or Who.Users => true,
        Who.Administrators => caller.IsRoot || (caller.Identity.Account is { } account && administrators.Contains(account)) || IsMember(caller),
        _ => false,
    };

    // What the kernel says of the process, not what the group's list says: as everywhere on the machine, a change counts from the next login.
    private bool IsMember(Caller caller) =>
        groups.Any(name => Accounts.GroupOf(name) is { } group && UnixIdentity.IsSomebody(group.Gid) && caller.Groups.Contains(group.Gid));

    private static UnixIdentity Identity(uint uid) => new(uid, Accounts.NameOf(uid));
}
