using CertAuthority.Terminal;

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

    /// <summary>The lines of its sshd configuration, without our drop-in, that enrolment could put out of force.</summary>
    public IEnumerable<ConfigurationLine> Lines => facts["line"].Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).Select(line => new ConfigurationLine(line[0], line[1].Trim()));

    /// <summary>The CA keys of another authority that it trusts for users, a line each.</summary>
    public string[] OtherCas => [.. facts["otherca"]];

    /// <summary>The addresses that our drop-in exempts from penalties already; the daemon's own comes first.</summary>
    public string[] OurExemptions => [.. (First("exempt") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>The types of host keys for which the host shows a certificate of another authority: <c>ssh-ed25519</c>.</summary>
    /// <remarks>Of two certificates for one key sshd shows the last that it reads, which is never ours (seen with 9.2 and 10.6).</remarks>
    public IEnumerable<string> CertifiedElsewhere => facts["hostcert"].Select(type => type.Replace("-cert-v01@openssh.com", "", StringComparison.Ordinal));

    /// <summary>The public half of each host key, in the order of preference.</summary>
    public IEnumerable<string> Keys => facts["key"].Where(key => Preferred.Any(key.StartsWith)).OrderBy(key => Array.FindIndex(Preferred, key.StartsWith));

    /// <summary>The key to certify: the best one for which no other authority has a certificate; null where there is none.</summary>
    public string? Key => Keys.FirstOrDefault(key => !CertifiedElsewhere.Contains(key.Split(' ')[0]));

    public static HostFacts Read(string[] lines) =>
        new(lines.Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1].Trim()));

    private string? First(string fact) => facts[fact].FirstOrDefault(text => text.Length > 0);
}
