using System.Collections.Immutable;
using CertAuthority.Access;
using CertAuthority.Linux;
using CertAuthority.Operations;

namespace CertAuthority.Api;

/// <summary>Who is calling. The kernel says; headers, arguments, environment and JSON are never asked.</summary>
/// <param name="ownUid">The uid of the daemon.</param>
/// <param name="administrators">Accounts that the configuration names.</param>
internal sealed class Callers(uint ownUid, ImmutableHashSet<string> administrators)
{
    /// <summary>The caller at the other end of a connection, under the account that the uid has now.</summary>
    public Caller Of(Peer peer) => new(new UnixIdentity(peer.Uid, Accounts.NameOf(peer.Uid)), IsRoot: peer.Uid == 0 || peer.Uid == ownUid);

    /// <summary>Whether the row lets the caller in.</summary>
    public bool May(Caller caller, Who who) => who switch
    {
        Who.Anybody or Who.Users => true,
        Who.Administrators => caller.IsRoot || (caller.Identity.Account is { } account && administrators.Contains(account)),
        _ => false,
    };
}
