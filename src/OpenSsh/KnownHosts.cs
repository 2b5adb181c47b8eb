namespace CertAuthority.OpenSsh;

/// <summary>The lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).</summary>
public static class KnownHosts
{
    /// <summary>What precedes the key of a CA whose certificates are accepted for every host.</summary>
    public const string AnyHost = "@cert-authority * ";

    /// <summary>Returns a line for each CA, which lets ssh accept the host certificates that it signed.</summary>
    /// <param name="keys">The public keys, each as one line without a newline.</param>
    public static string Authorities(IEnumerable<string> keys) => string.Concat(keys.Select(key => $"{AnyHost}{key}\n"));
}
