using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Certificates for single nodes, for users whose roles reach more than one certificate can hold: tsh gets each when it connects, and keeps
/// it until it expires. All certificates of one login session count as one login.
/// </summary>
internal static class NodeCertificate
{
    // A certificate that expires while ssh is still connecting is of no use.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Returns the certificate at hand for a login on a node; null if there is none, it is about to expire, or it is for another key.
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
    /// Returns the logins on a node that certificates at hand open, each with its own certificate; without a node, those on all nodes, as
    /// LOGIN@NODE.
    /// </summary>
    public static IEnumerable<string> LoginsAtHand(Home home, string? node = null) => home.NodeCertificateFiles()
        .Select(file => Path.GetFileName(file)[..^"-cert.pub".Length])
        .Where(
            one => one.LastIndexOf('@') is var at and > 0 && !JumpHost.IsPrincipal(one) && (node is null || one[(at + 1)..] == node)
                && AtHand(home, one[..at], one[(at + 1)..]) is not null);

    /// <summary>Gets the certificates for a node, and stores the best one for each login there.</summary>
    /// <param name="home">The home; it has the key.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="ca">The daemon, which issues them.</param>
    /// <param name="user">The user to act as.</param>
    /// <param name="cancellation">Cancels the operation when the user interrupts it.</param>
    /// <returns>The logins that they open.</returns>
    /// <exception cref="ProblemException">The roles do not reach the node, or no longer do.</exception>
    public static async Task<IReadOnlyList<string>> Get(Home home, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        if (home.PublicKeyAtHand() is not { } key)
            throw new FailureException("not logged in", home.Command("login"));
        var login = await Ask(home, key.ToString(), node, ca, user, cancellation);
        var certificates = login.Certificates.Select(one => HeldCertificate.Read(one.Certificate, home.Certificate, one.Info.Name))
            .ToList();
        if (certificates.Count == 0)
            throw new FailureException($"{node} alone is more than one certificate holds", "an administrator grants fewer logins there");
        var (jumps, logins) = (certificates.SelectMany(one => one.Info.Principals).Where(JumpHost.IsPrincipal).Distinct().ToList(),
            certificates.SelectMany(one => one.Info.Principals).Where(principal => !JumpHost.IsPrincipal(principal)));
        foreach (var jump in jumps.Select(principal => principal[(JumpHost.Login.Length + 1)..]))
        {
            PlainNames.CheckNode(jump);
            if (Held.Best(certificates, JumpHost.Login, jump) is { } passing)
                home.SaveNodeCertificate(JumpHost.Login, jump, passing.Line);
        }
        var opened = logins.Select(Login).Distinct(StringComparer.Ordinal).ToList();
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
        // The login is over, or a request that it uses is. The regular roles need no other.
        catch (ProblemException over) when (over.Problem.Code == ProblemCode.Expired
            && (memory.Session is not null || !memory.Requests.IsEmpty))
        {
            // If many processes find this at the same time, one of them begins the new login.
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
