namespace CertAuthority.Tctl;

/// <summary>A line of a host's sshd configuration.</summary>
/// <param name="Where">The file and the number of the line: <c>/etc/ssh/sshd_config:12</c>.</param>
/// <param name="Setting">What it sets, as it is written there.</param>
internal sealed record ConfigurationLine(string Where, string Setting);

/// <summary>What a host tells about itself before anything on it changes: the step <c>look</c> of <c>host.sh</c>, a fact a line.</summary>
internal sealed class HostFacts
{
    private static readonly string[] Preferred = ["ssh-ed25519", "ecdsa-sha2-", "ssh-rsa"];

    private readonly ILookup<string, string> facts;

    private HostFacts(ILookup<string, string> facts)
    {
        this.facts = facts;
        Settings = SshdSettings.Read(facts["setting"]);
    }

    /// <summary>The content of its <c>/etc/machine-id</c>; empty where it has none.</summary>
    public string Machine => First("machine") ?? "";

    /// <summary>The identity of its running kernel, which two machines never share.</summary>
    public string Boot => First("boot") ?? "";

    /// <summary>What of a daemon lies there: its socket, or the private key of its CA; null for nothing.</summary>
    public string? Daemon => First("daemon");

    /// <summary>The version of its OpenSSH; null where it does not say.</summary>
    public Version? Version => Version.TryParse(First("version"), out var version) ? version : null;

    /// <summary>Whether the account by which the daemon writes is there, or can be made.</summary>
    public bool CanHaveAccount => facts["account"].Any();

    /// <summary>What its sshd applies to root from here, before anything changes.</summary>
    public SshdSettings Settings { get; }

    /// <summary>The address from which the host sees this connection.</summary>
    public string? From => First("from");

    /// <summary>The lines of its sshd configuration, without our drop-in, that enrollment could put out of force.</summary>
    public IEnumerable<ConfigurationLine> Lines =>
        facts["line"].Select(line => line.Split(' ', 2)).Where(line => line.Length == 2)
            .Select(line => new ConfigurationLine(line[0], line[1].Trim()));

    /// <summary>The CA keys of another authority that it trusts for users, a line each.</summary>
    public string[] OtherCas => [.. facts["otherca"]];

    /// <summary>The addresses that our drop-in exempts from penalties already; the daemon's own comes first.</summary>
    public string[] OurExemptions => [.. (First("exempt") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Whether the host shows a certificate of another authority that clients would take before ours.</summary>
    /// <remarks>
    /// Of two certificates for one key sshd shows the last that it reads, which is never ours (seen with 9.2 and 10.6); of two for keys of
    /// different types a client takes the type that it prefers.
    /// </remarks>
    public bool IsCertifiedElsewhere => Key is { } key && facts["hostcert"].Any(type => Rank(type) <= Rank(key));

    /// <summary>The public half of the host key to certify: the one that clients prefer; null where none can be read.</summary>
    public string? Key => facts["key"].Where(key => Rank(key) >= 0).MinBy(Rank);

    public static HostFacts Read(string[] lines) =>
        new(lines.Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1].Trim()));

    private static int Rank(string key) => Array.FindIndex(Preferred, key.StartsWith);

    private string? First(string fact) => facts[fact].FirstOrDefault(text => text.Length > 0);
}
