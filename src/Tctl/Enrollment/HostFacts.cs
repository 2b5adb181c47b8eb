namespace CertAuthority.Tctl;

/// <summary>A line of a host's sshd configuration.</summary>
/// <param name="Where">The file and the line number: <c>/etc/ssh/sshd_config:12</c>.</param>
/// <param name="Setting">The setting as it is written there.</param>
internal sealed record ConfigurationLine(string Where, string Setting);

/// <summary>
/// The facts that a host reports before anything on it changes: the output of the step <c>look</c> of <c>host.sh</c>, one fact in each
/// line.
/// </summary>
internal sealed class HostFacts
{
    private static readonly string[] Preferred = ["ssh-ed25519", "ecdsa-sha2-", "ssh-rsa"];

    private readonly ILookup<string, string> facts;

    private HostFacts(ILookup<string, string> facts)
    {
        this.facts = facts;
        Settings = SshdSettings.Read(facts["setting"]);
    }

    /// <summary>The content of its <c>/etc/machine-id</c>; empty if there is none.</summary>
    public string Machine => First("machine") ?? "";

    /// <summary>The ID of its running kernel, which two machines never share.</summary>
    public string Boot => First("boot") ?? "";

    /// <summary>What a daemon has on the host: its socket, or the private key of its CA; null for nothing.</summary>
    public string? Daemon => First("daemon");

    /// <summary>The version of its OpenSSH; null if it does not report one.</summary>
    public Version? Version => Version.TryParse(First("version"), out var version) ? version : null;

    /// <summary>Whether the account with which the daemon writes exists or can be created.</summary>
    public bool CanHaveAccount => facts["account"].Any();

    /// <summary>The settings that its sshd applies to root from here, before anything changes.</summary>
    public SshdSettings Settings { get; }

    /// <summary>The address from which the host sees this connection.</summary>
    public string? From => First("from");

    /// <summary>The lines of its sshd configuration, without our drop-in, that enrollment could disable.</summary>
    public IEnumerable<ConfigurationLine> Lines =>
        facts["line"].Select(line => line.Split(' ', 2)).Where(line => line.Length == 2)
            .Select(line => new ConfigurationLine(line[0], line[1].Trim()));

    /// <summary>
    /// The lines of Match blocks that decide who enters, which hold in place of the drop-in. The settings are in small letters.
    /// </summary>
    public IEnumerable<ConfigurationLine> InMatches =>
        facts["match"].Select(line => line.Split(' ', 2)).Where(line => line.Length == 2)
            .Select(line => new ConfigurationLine(line[0], line[1].Trim()));

    /// <summary>The CA keys of another authority that it trusts for users, one in each line.</summary>
    public string[] OtherCas => [.. facts["otherca"]];

    /// <summary>The addresses that our drop-in already exempts from penalties; the daemon's own comes first.</summary>
    public string[] OurExemptions => [.. (First("exempt") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Whether the host shows a certificate of another authority that clients would take before ours.</summary>
    /// <remarks>
    /// If two certificates are for the same key, sshd sends the last one that it reads, which is never ours (seen with 9.2 and 10.6); if
    /// they are for keys of different types, a client uses the type that it prefers.
    /// </remarks>
    public bool IsCertifiedElsewhere => Key is { } key && facts["hostcert"].Any(type => Rank(type) <= Rank(key));

    /// <summary>The public half of the host key to certify: the one that clients prefer; null if none can be read.</summary>
    public string? Key => facts["key"].Where(key => Rank(key) >= 0).MinBy(Rank);

    public static HostFacts Read(string[] lines) =>
        new(lines.Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1].Trim()));

    private static int Rank(string key) => Array.FindIndex(Preferred, key.StartsWith);

    private string? First(string fact) => facts[fact].FirstOrDefault(text => text.Length > 0);
}
