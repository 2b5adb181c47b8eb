using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Certificates for single nodes, for those whose roles reach more than one certificate holds: each is had at the moment of
/// connecting, and kept as long as it lives.
/// </summary>
internal static class NodeCertificate
{
    // One that ends while ssh is still connecting is of no use.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);

    /// <summary>The file of a certificate that is good for a node: the one at hand, else a new one.</summary>
    /// <param name="home">Has the key.</param>
    /// <param name="node">The node's name.</param>
    /// <param name="ca">Issues it.</param>
    /// <param name="user">As which user.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="ProblemException">The roles do not reach the node, or not any more.</exception>
    public static async Task<string> Ensure(Home home, string node, CaClient ca, string? user, CancellationToken cancellation)
    {
        if (home.PublicKeyAtHand() is not { } key)
            throw new FailureException("not logged in", home.Command("login"));
        var path = home.NodeCertificate(node);
        if (IsGood(home, node, key, TimeProvider.System.GetUtcNow()))
            return path;
        var login = await ca.Send(Routes.Login, new Login(key.ToString(), user, [.. home.Memory.Requests], Ttl: null, node, Regular: true), cancellation);
        home.SaveNodeCertificate(node, login.Certificate ?? throw new FailureException($"{node} alone is more than one certificate holds", "an administrator grants fewer logins there"));
        return path;
    }

    private static bool IsGood(Home home, string node, PublicKey key, DateTimeOffset now)
    {
        try
        {
            return home.ReadNodeCertificate(node) is { } certificate && now + Least < certificate.ValidBefore
                && Certificate.ParseLine(File.ReadAllText(home.NodeCertificate(node)).Trim()).Key == key;
        }
        catch (Exception unusable) when (unusable is SshFormatException or IOException)
        {
            return false;
        }
    }
}
