using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The certificate of the regular roles, in the place of one that has ended. Nobody is asked anything.</summary>
internal static class Renewal
{
    /// <summary>Gets it, and says so in one line.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="home">Has the key.</param>
    /// <param name="ca">Issues it.</param>
    /// <param name="user">As which user.</param>
    /// <param name="expired">The certificate that has ended.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <exception cref="FailureException">The roles say that a login asks for more.</exception>
    public static async Task Run(
        ParseResult parsed, Home home, CaClient ca, string? user, CertificateInfo expired, CancellationToken cancellation)
    {
        var memory = home.Memory;
        using var key = LoginKey.Chosen(home, null, null, memory.Agent ?? AgentUse.Auto);
        var login = await ca.Send(
            Routes.Login, new Login(await key.PublicKey(user ?? Environment.UserName, cancellation), user), cancellation);
        if (login.RequestAccess is not null)
            throw new FailureException(
                $"your certificate expired at {Wording.Time(expired.ValidBefore)}, and your roles ask for access at each login",
                home.Command("login"));
        await key.Save(login, parsed.Warn, cancellation);
        if (login.Info is { } info)
            parsed.Say($"your certificate had expired; a new one of your regular roles is valid until {Wording.Time(info.ValidBefore)}");
        home.Remember(memory with { Requests = [], PerHost = login.PerHost, Session = LoginSession.From(login) });
        home.SaveKnownCas(login.HostCa);
        await SshConfigFile.Refresh(parsed, home, ca, cancellation);
    }
}
