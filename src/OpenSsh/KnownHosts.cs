namespace CertAuthority.OpenSsh;

/// <summary>The lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).</summary>
public static class KnownHosts
{
    /// <summary>What precedes the key of a CA whose certificates are accepted for every host.</summary>
    public const string AnyHost = "@cert-authority * ";

    private const string Installation = "installation ";

    /// <summary>Returns a line for each CA, which lets ssh accept the host certificates that it signed.</summary>
    /// <param name="keys">The public keys, each as one line without a newline.</param>
    public static string Authorities(IEnumerable<string> keys) => string.Concat(keys.Select(key => $"{AnyHost}{key}\n"));

    /// <summary>Returns such lines with a comment that names the installation whose keys they are.</summary>
    /// <param name="keys">The public keys.</param>
    /// <param name="installation">The installation; null if it is not known.</param>
    public static string Authorities(IEnumerable<PublicKey> keys, string? installation) =>
        Authorities(keys.Select(key => key.ToLine(installation is null ? "" : Installation + installation)));

    /// <summary>Reads such lines. Lines of another form are left out: ssh may believe them, but they came from somebody else.</summary>
    /// <returns>The keys, and the installation that the first of them names.</returns>
    public static (IReadOnlyList<PublicKey> Keys, string? Installation) ReadAuthorities(string text)
    {
        var (keys, installation) = (new List<PublicKey>(), (string?)null);
        foreach (var line in text.Split('\n').Where(line => line.StartsWith(AnyHost, StringComparison.Ordinal)))
            try
            {
                keys.Add(PublicKey.ParseLine(line[AnyHost.Length..]));
                if (line.IndexOf($" {Installation}", StringComparison.Ordinal) is > 0 and var at)
                    installation ??= line[(at + 1 + Installation.Length)..];
            }
            catch (SshFormatException)
            {
                // ssh does not understand it either.
            }
        return (keys, installation);
    }
}
