using System.Text.RegularExpressions;

namespace CertAuthority.Tctl;

/// <summary>
/// The settings that sshd applies to one login, as <c>sshd -T -C</c> prints them. Keywords are compared ignoring case, and a setting that
/// is not printed is <c>none</c>: since OpenSSH 10.3, keywords are in mixed case, and some settings that are <c>none</c> are left out.
/// </summary>
internal sealed class SshdSettings
{
    private const string None = "none";

    private readonly ILookup<string, string> settings;

    private SshdSettings(ILookup<string, string> settings) => this.settings = settings;

    /// <summary>The value of a setting; <c>none</c> if it is not set.</summary>
    public string this[string name] => settings[name].FirstOrDefault() ?? None;

    /// <summary>How long sshd blocks an address after a refused login; null if sshd has no such penalty.</summary>
    public TimeSpan? PenaltyForRefusal => Penalty("authfail");

    /// <summary>Whether sshd supports <c>PerSourcePenaltyExemptList</c>: OpenSSH 9.8 and later.</summary>
    public bool KnowsExemptions => settings.Contains("persourcepenaltyexemptlist") || settings.Contains("persourcepenalties");

    /// <summary>The addresses that are exempt from penalties.</summary>
    public string[] Exemptions => [.. All("persourcepenaltyexemptlist").SelectMany(list => list.Split(','))];

    /// <summary>Whether an address is exempt.</summary>
    public bool IsExempt(string address) => Exemptions.Any(range => AddressFits(range, address));

    /// <summary>Parses the output of <c>sshd -T</c>.</summary>
    public static SshdSettings Read(IEnumerable<string> lines) =>
        new(
            lines.Select(line => line.Trim().Split(' ', 2, StringSplitOptions.TrimEntries)).Where(line => line.Length == 2)
                .ToLookup(line => line[0], line => line[1], StringComparer.OrdinalIgnoreCase));

    /// <summary>Returns every value of a setting that can occur several times, without <c>none</c>.</summary>
    public IEnumerable<string> All(string name) => settings[name].Where(value => value != None);

    /// <summary>Returns whether a setting has a value; a setting that is not printed is <c>none</c>.</summary>
    public bool Has(string name, string value) => settings.Contains(name) ? settings[name].Contains(value) : value == None;

    /// <summary>Returns why sshd would refuse a certificate, as far as its settings show; null if they show no reason.</summary>
    /// <param name="login">The login.</param>
    /// <param name="groups">The groups of that account.</param>
    /// <param name="from">The address of the client.</param>
    /// <param name="certificateType">The algorithm of the certificate: <c>ssh-ed25519-cert-v01@openssh.com</c>.</param>
    /// <param name="caType">The type of the CA key: <c>ssh-ed25519</c>.</param>
    public string? WhyRefused(string login, IReadOnlyCollection<string> groups, string from, string certificateType, string caType)
    {
        if (this["pubkeyauthentication"] == "no")
            return "PubkeyAuthentication is no";
        if (this["authenticationmethods"] is not (None or "any") and var methods
            && !settings["authenticationmethods"].Any(way => way.Split(' ').Contains("publickey")))
            return $"AuthenticationMethods asks for more than a key ({methods})";
        // Their names before OpenSSH 8.5 and since then.
        foreach (var name in (string[])["PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"])
            if (settings.Contains(name) && !Lists(this[name], certificateType))
                return $"{name} has no {certificateType}";
        if (settings.Contains("casignaturealgorithms")
            && !SignatureAlgorithms(caType).Any(algorithm => Lists(this["casignaturealgorithms"], algorithm)))
            return $"CASignatureAlgorithms has no {string.Join(" or ", SignatureAlgorithms(caType))}, by which this authority signs";
        if (All("denyusers").FirstOrDefault(pattern => Matches(pattern, login, from)) is { } denied)
            return $"DenyUsers has {denied}";
        if (All("allowusers").ToList() is { Count: > 0 } allowed && !allowed.Exists(pattern => Matches(pattern, login, from)))
            return $"AllowUsers has no {login} ({string.Join(' ', allowed)})";
        if (All("denygroups").FirstOrDefault(pattern => groups.Any(group => Glob(pattern, group))) is { } deniedGroup)
            return $"DenyGroups has {deniedGroup}";
        if (All("allowgroups").ToList() is { Count: > 0 } groupsAllowed
            && !groupsAllowed.Exists(pattern => groups.Any(group => Glob(pattern, group))))
            return $"AllowGroups has no group of {login} ({string.Join(' ', groupsAllowed)})";
        if (login == "root" && this["permitrootlogin"] is "no")
            return "PermitRootLogin is no";
        return null;
    }

    private TimeSpan? Penalty(string kind) =>
        All("persourcepenalties").SelectMany(list => list.Split(' ')).Select(one => one.Split(':', 2))
            .FirstOrDefault(one => one[0] == kind) is [_, var value]
        && double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static string[] SignatureAlgorithms(string caType) => caType == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [caType];

    private static bool Lists(string list, string name) => list.Split(',').Any(pattern => Glob(pattern, name));

    // USER, or USER@HOST. Only the address of the host is known, and sshd matches that too.
    private static bool Matches(string pattern, string login, string from) => pattern.LastIndexOf('@') switch
    {
        < 0 => Glob(pattern, login),
        var at => Glob(pattern[..at], login) && AddressFits(pattern[(at + 1)..], from),
    };

    private static bool AddressFits(string pattern, string from) =>
        System.Net.IPNetwork.TryParse(pattern, out var network) && System.Net.IPAddress.TryParse(from, out var address)
            ? network.Contains(address)
            : Glob(pattern, from);

    private static bool Glob(string pattern, string text) =>
        Regex.IsMatch(
            text,
            $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal)}$",
            RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
