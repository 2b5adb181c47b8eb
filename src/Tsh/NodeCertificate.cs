using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Certificates for single nodes, for those whose roles reach more than one certificate holds: each is had at the moment of
/// connecting, and kept as long as it lives. All that belong to one login session count as one login.
/// </summary>
internal static class NodeCertificate
{
    // One that ends while ssh is still connecting is of no use.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The certificate at hand for a login on a node; null where there is none, it is about to end, or it is for another key.
    /// </summary>
    public static HeldCertificate? AtHand(Home home, string login, string node)
    {
        try
        {
            return HeldCertificate.Read(home.NodeCertificate(login, node)) is { } one
                && TimeProvider.System.GetUtcNow() + Least < one.Info.ValidBefore && one.Key == home.PublicKeyAtHand()
                && one.Info.Opens(login, node) ? one : null;
        }
        catch (Exception unusable) when (unusable is OpenSsh.SshFormatException or IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// The logins on a node that certificates at hand open, each by one of its own; all nodes' where none is named, as LOGIN@NODE.
    /// </summary>
    public static IEnumerable<string> LoginsAtHand(Home home, string? node = null) => home.NodeCertificateFiles()
        .Select(file => Path.GetFileName(file)[..^"-cert.pub".Length])
        .Where(
            one => one.LastIndexOf('@') is var at and > 0 && (node is null || one[(at + 1)..] == node)
                && AtHand(home, one[..at], one[(at + 1)..]) is not null);

    /// <summary>Gets the certificates for a node, and keeps for each login there the one to use.</summary>
    /// <param name="home">Has the key.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="ca">Issues them.</param>
    /// <param name="user">As which user.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>The logins that they open.</returns>
    /// <exception cref="ProblemException">The roles do not reach the node, or not any more.</exception>
    public static async Task<IReadOnlyList<string>> Get(Home home, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        if (home.PublicKeyAtHand() is not { } key)
            throw new FailureException("not logged in", home.Command("login"));
        var login = await Ask(home, key.ToString(), node, ca, user, cancellation);
        var certificates = login.Certificates.Select(one => HeldCertificate.Read(one.Certificate, home.Certificate, one.Info.Name))
            .ToList();
        if (certificates.Count == 0)
            throw new FailureException($"{node} alone is more than one certificate holds", "an administrator grants fewer logins there");
        var opened = certificates.SelectMany(one => one.Info.Principals).Select(Login).Distinct(StringComparer.Ordinal).ToList();
        foreach (var account in opened)
        {
            PlainNames.CheckLogin(account);
            if (Held.Best(certificates, account, node) is { } best)
                home.SaveNodeCertificate(account, node, best.Line);
        }
        return opened;
    }

    private static async Task<LoggedIn> Ask(Home home, string key, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        var memory = home.Memory;
        try
        {
            return await Send(memory);
        }
        // The login is over, or what was requested for it is. The regular roles need no other.
        catch (ProblemException over) when (over.Problem.Code == ProblemCode.Expired
            && (memory.Session is not null || !memory.Requests.IsEmpty))
        {
            // Of many that find this out at once, one begins the new login.
            using var alone = home.Lock();
            var next = home.Memory;
            if (next.Session == memory.Session && next.Requests.SequenceEqual(memory.Requests))
            {
                next = memory with { Session = null, Requests = [] };
                var login = await Send(next);
                home.Remember(next with { Session = LoginSession.From(login) });
                return login;
            }
            return await Send(next);
        }

        Task<LoggedIn> Send(Memory with) =>
            ca.Send(
                Routes.Login,
                new Login(key, user, with.Requests is [] ? null : [.. with.Requests], Ttl: null, node, Regular: true, with.Session?.Id),
                cancellation);
    }

    private static string Login(string principal) => principal.LastIndexOf('@') is var at and >= 0 ? principal[..at] : principal;
}
