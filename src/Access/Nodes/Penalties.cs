namespace CertAuthority.Access.Nodes;

/// <summary>
/// The penalties of sshd since OpenSSH 9.8: after a few failed logins, sshd refuses an address for a while, whoever failed. Anyone with an
/// account on the daemon's host can thus keep the daemon out, and a revoked certificate in use, unless the daemon's address is exempt.
/// </summary>
public static class Penalties
{
    /// <summary>Whether an sshd has penalties.</summary>
    /// <param name="software">The name of the software in its greeting, such as <c>OpenSSH_9.2p1 Debian-2+deb12u7</c>.</param>
    public static bool ArePossible(string software)
    {
        const string name = "OpenSSH_";
        if (!software.StartsWith(name, StringComparison.Ordinal))
            return false;
        var version = software[name.Length..].Split('.', 'p', ' ', '_');
        return version.Length > 1 && int.TryParse(version[0], out var major) && int.TryParse(version[1], out var minor)
            && (major, minor).CompareTo((9, 8)) >= 0;
    }

    /// <summary>
    /// Whether sshd's settings exempt any address, or turn penalties off. The exempt addresses are not compared with the daemon's, because
    /// the address that the host sees is not known here.
    /// </summary>
    public static bool AreWaived(string configuration) =>
        configuration.Split('\n').Select(line => line.Split([' ', '\t', '=', '\r'], StringSplitOptions.RemoveEmptyEntries)).Any(words =>
        words.Length > 1
        && ((words[0].Equals("PerSourcePenaltyExemptList", StringComparison.OrdinalIgnoreCase) && words[1] != "none")
            || (words[0].Equals("PerSourcePenalties", StringComparison.OrdinalIgnoreCase) && words[1] == "no")));
}
