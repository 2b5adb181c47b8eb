using System.Collections.Immutable;
using CertAuthority.Access;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using Microsoft.AspNetCore.Connections.Features;

namespace CertAuthority.Api;

/// <summary>Who is calling. The kernel says; headers, arguments, environment and JSON are never asked.</summary>
/// <param name="ownUid">The uid of the daemon.</param>
/// <param name="administrators">Accounts that the configuration names.</param>
internal sealed class Callers(uint ownUid, ImmutableHashSet<string> administrators)
{
    /// <summary>The caller at the other end of a connection, or null for nobody.</summary>
    public Caller? Of(HttpContext context)
    {
        if (context.Features.Get<IConnectionSocketFeature>() is not { } connection)
            return null;
        var uid = PeerCredentials.Of(connection.Socket).Uid;
        return UnixIdentity.IsSomebody(uid) ? new Caller(new UnixIdentity(uid, Accounts.NameOf(uid)), IsRoot: uid == 0 || uid == ownUid) : null;
    }

    /// <summary>Whether the row lets the caller in.</summary>
    public bool May(Caller caller, Who who) => who switch
    {
        Who.Anybody or Who.Users => true,
        Who.Administrators => caller.IsRoot || (caller.Identity.Account is { } account && administrators.Contains(account)),
        _ => false,
    };
}
