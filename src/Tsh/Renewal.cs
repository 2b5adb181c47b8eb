using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Renews an expired certificate of the regular roles, without asking the user.</summary>
internal static class Renewal
{
    /// <summary>Gets the certificate, and reports it in one line.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="home">The home; it has the key.</param>
    /// <param name="ca">The daemon, which issues the certificate.</param>
    /// <param name="user">The user to act as.</param>
    /// <param name="expired">The expired certificate.</param>
    /// <param name="cancellation">Cancels the renewal when the user interrupts it.</param>
    /// <exception cref="FailureException">The roles make every login request access.</exception>
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
        await home.HostCas.Follow(parsed, ca, login.HostCas, null, cancellation);
        await SshConfigFile.Refresh(parsed, home, ca, cancellation);
    }
}
