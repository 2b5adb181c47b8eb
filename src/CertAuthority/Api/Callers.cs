using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Api;

/// <summary>Who is calling. The kernel says; headers, arguments, environment and JSON are never asked.</summary>
/// <param name="ownUid">The uid of the daemon.</param>
/// <param name="administrators">Accounts that the configuration names.</param>
/// <param name="groups">Groups whose members administer too.</param>
/// <param name="names">Says which account has a uid.</param>
internal sealed class Callers(uint ownUid, ImmutableHashSet<string> administrators, ImmutableHashSet<string> groups, NameService names)
{
    /// <summary>
    /// The caller at the other end of a connection, under the account that the uid has now. When the system does not say which that is, the
    /// caller is unnamed.
    /// </summary>
    /// <param name="peer">The process at the other end.</param>
    /// <param name="standing">Among whom it waits for the system's answer.</param>
    public async Task<Caller> Of(Peer peer, Standing standing)
    {
        var isRoot = peer.Uid == 0 || peer.Uid == ownUid;
        try
        {
            return Named(await Identity(peer.Uid), peer.LoginUid is { } login ? await Identity(login) : null, unnamed: null);
        }
        catch (NameServiceException e)
        {
            return Named(new UnixIdentity(peer.Uid, null), peer.LoginUid is { } login ? new UnixIdentity(login, null) : null, e.Message);
        }

        async Task<UnixIdentity> Identity(uint uid) => new(uid, await names.AccountOf(uid, AskerOf(standing)));

        Caller Named(UnixIdentity identity, UnixIdentity? login, string? unnamed) => new(identity, isRoot, login)
        {
            Groups = peer.Groups,
            Program = peer.Session is { } session ? ChildProcess.OfSession(session) : null,
            Unnamed = unnamed,
        };
    }

    /// <summary>Whether the row lets the caller in.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="who">Whom the row lets in.</param>
    /// <param name="standing">Among whom the caller waits for the system's answer.</param>
    /// <exception cref="ProblemException">The system does not say who is in the groups of administrators.</exception>
    public async Task<bool> May(Caller caller, Who who, Standing standing)
    {
        switch (who)
        {
            case Who.Anybody or Who.Users:
                return true;
            case Who.Administrators when caller.IsRoot || (caller.Identity.Account is { } account && administrators.Contains(account)):
                return true;
            case Who.Administrators:
                try
                {
                    return await IsMember(caller, AskerOf(standing));
                }
                catch (NameServiceException e)
                {
                    throw Unavailable(e.Message);
                }
            default:
                return false;
        }
    }

    /// <summary>The refusal of a call whose account or groups the system cannot name now.</summary>
    public static ProblemException Unavailable(string why) =>
        new(
            new Problem(
                ProblemCode.Unavailable, why,
                "try again in a moment; an administrator runs getent on the daemon's host to see what is wrong"));

    // What the kernel says of the process, not what the group's list says: as everywhere on the machine, a change counts from the next
    // login.
    private async Task<bool> IsMember(Caller caller, Asker asker)
    {
        foreach (var group in groups)
            if (await names.GidOf(group, asker) is { } gid && UnixIdentity.IsSomebody(gid) && caller.Groups.Contains(gid))
                return true;
        return false;
    }

    private static Asker AskerOf(Standing standing) => standing switch
    {
        Standing.Administrator => Asker.Administrator,
        Standing.User => Asker.User,
        _ => Asker.Stranger,
    };
}
