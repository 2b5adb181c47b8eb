using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Api;

/// <summary>Identifies callers. Only the kernel is asked, never headers, arguments, the environment or JSON.</summary>
/// <param name="ownUid">The uid of the daemon.</param>
/// <param name="settings">The settings; they name the administrators, the auditors and the monitors.</param>
/// <param name="names">Finds the account of a uid.</param>
internal sealed class Callers(uint ownUid, Settings settings, NameService names)
{
    /// <summary>The realm of this machine.</summary>
    public Realm Realm { get; init; } = Realm.First;

    /// <summary>Returns whether there is another realm of a name.</summary>
    public Func<string, bool> IsOtherRealm { get; init; } = _ => false;

    /// <summary>
    /// Identifies the caller at the other end of a connection, under the account that the uid has now. If the system cannot name the
    /// account, the caller is unnamed.
    /// </summary>
    /// <param name="peer">The process at the other end of the connection.</param>
    /// <param name="standing">The standing under which the call waits for the system's answer.</param>
    public async Task<Caller> Of(Peer peer, Standing standing)
    {
        var isRoot = peer.Uid == 0 || peer.Uid == ownUid;
        try
        {
            return Named(await Identity(peer.Uid), peer.LoginUid is { } login ? await Identity(login) : null, unnamed: null);
        }
        catch (NameServiceException e)
        {
            return Named(Known(peer.Uid, null), peer.LoginUid is { } login ? Known(login, null) : null, e.Message);
        }

        async Task<UnixIdentity> Identity(uint uid) => Known(uid, await names.AccountOf(uid, AskerOf(standing)));

        UnixIdentity Known(uint uid, string? account) => Realm.Identify(uid, account, IsOtherRealm);

        Caller Named(UnixIdentity identity, UnixIdentity? login, string? unnamed) => new(identity, isRoot, login)
        {
            Groups = peer.Groups,
            Program = peer.Session is { } session ? ChildProcess.OfSession(session) : null,
            Unnamed = unnamed,
        };
    }

    /// <summary>Returns whether the row admits the caller.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="who">The callers that the row admits.</param>
    /// <param name="standing">The standing under which the caller waits for the system's answer.</param>
    /// <exception cref="ProblemException">The system cannot name the members of a group that would admit the caller.</exception>
    public async Task<bool> May(Caller caller, Who who, Standing standing)
    {
        if (who is Who.Anybody or Who.Users)
            return true;
        var admitted = Admitted(who);
        if (admitted.Length > 0 && (caller.IsRoot || admitted.Any(accounts => IsNamed(caller, accounts))))
            return true;
        try
        {
            foreach (var accounts in admitted)
                if (await IsMember(caller, accounts, AskerOf(standing)))
                    return true;
            return false;
        }
        catch (NameServiceException e)
        {
            throw Unavailable(e.Message);
        }
    }

    /// <summary>Creates the error for a caller whom a row does not admit. It tells readers what they are.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="who">The callers that the row admits.</param>
    /// <param name="standing">The standing under which the caller waits for the system's answer.</param>
    public async Task<ProblemException> Refusal(Caller caller, Who who, Standing standing)
    {
        var needed = who == Who.Auditors ? "an administrator or an auditor" : "an administrator";
        var detail = await Is(settings.Auditors) ? $"this needs {needed}; you are an auditor"
            : await Is(settings.Monitors) ? $"this needs {needed}; you are a monitor"
            : $"{caller.Name} is not an administrator";
        return new ProblemException(
            new Problem(ProblemCode.Denied, detail, "run it as root, or let the configuration name your account under admins"));

        async Task<bool> Is(NamedAccounts accounts)
        {
            try
            {
                return IsNamed(caller, accounts) || await IsMember(caller, accounts, AskerOf(standing));
            }
            catch (NameServiceException)
            {
                return false;
            }
        }
    }

    /// <summary>Creates the error for a call whose account or groups the system cannot name now.</summary>
    public static ProblemException Unavailable(string why) =>
        new(
            new Problem(
                ProblemCode.Unavailable, why,
                "try again in a moment; an administrator runs getent on the daemon's host to see what is wrong"));

    // Whoever may change something may read it, and whoever reads everything may read the state.
    private ImmutableArray<NamedAccounts> Admitted(Who who) => who switch
    {
        Who.Administrators => [settings.Administrators],
        Who.Auditors => [settings.Administrators, settings.Auditors],
        Who.Monitors => [settings.Administrators, settings.Auditors, settings.Monitors],
        _ => [],
    };

    private bool IsNamed(Caller caller, NamedAccounts accounts) =>
        caller.Identity.Account is { } account && Realm.NameHere(account) is { } here && accounts.Users.Contains(here);

    // Uses the groups of the process, not the group's list: as everywhere on the machine, a change takes effect at the next login.
    private async Task<bool> IsMember(Caller caller, NamedAccounts accounts, Asker asker)
    {
        foreach (var group in accounts.Groups)
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
