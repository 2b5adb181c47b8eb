using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>What an enrollment does with another authority that the host already trusts.</summary>
internal enum OtherAuthority
{
    /// <summary>Refuses such a host; the default.</summary>
    Refuse,

    /// <summary>Keeps its CA keys next to ours.</summary>
    Keep,

    /// <summary>Disables its settings until the host is removed again.</summary>
    Replace,
}

/// <summary>Decides which hosts cannot be enrolled. Everything here is decided before anything on the host changes.</summary>
internal static class EnrollmentRefusals
{
    // The first version that reads drop-ins.
    private static readonly Version Oldest = new(8, 2);

    /// <summary>Checks whether a host can be enrolled.</summary>
    /// <param name="facts">The facts that the host reported.</param>
    /// <param name="node">The name for its node.</param>
    /// <param name="host">The host as <c>--ssh</c> names it.</param>
    /// <param name="isDaemonsHost">Whether the daemon reports that it runs there.</param>
    /// <param name="pushes">Whether the daemon will write to it.</param>
    /// <param name="other">What to do with another authority.</param>
    /// <param name="keepsKeys">Whether plain keys go on opening the host.</param>
    /// <exception cref="FailureException">The host cannot, or must not, be enrolled.</exception>
    public static void Check(
        HostFacts facts, string node, string host, bool isDaemonsHost, bool pushes, OtherAuthority other, bool keepsKeys)
    {
        if (isDaemonsHost || facts.Daemon?.EndsWith(".sock", StringComparison.Ordinal) == true)
            throw new FailureException(
                $"{host} is the daemon's own host, which must never trust its own CA for users",
                "anyone who enters it as root with a certificate would be the administrator: docs/hosts.md");
        if (facts.Daemon is { } key)
            throw new FailureException(
                $"{host} has the private key of an authority: {key}",
                "a daemon runs there, or it is a copy of the daemon's disk; on a copy remove the package certauthority and /var/lib/certauthority, then enroll it");
        if (facts.Version is not { } version || version < Oldest)
            throw new FailureException(
                $"{host} has OpenSSH {facts.Version?.ToString() ?? "of an unknown version"}; {Oldest} is the first that reads /etc/ssh/sshd_config.d",
                $"tctl nodes export {node} --paste prints the lines for its sshd_config: docs/hosts.md");
        if (facts.Key is null)
            throw new FailureException(
                $"{host}: the public half of no host key can be read",
                "sshd -T | grep -i hostkey names the keys; beside each there must be its .pub");
        if (facts.IsCertifiedElsewhere)
            throw new FailureException(
                $"{host} shows a certificate of another authority, which clients would take instead of ours: HostCertificate ({Where(facts, "HostCertificate")})", "take out that line: sshd shows every certificate that it is given, so that no other line can put it out of force");
        if (pushes && !facts.Settings.All("subsystem").Any(subsystem => subsystem.StartsWith("sftp ", StringComparison.Ordinal)))
            throw new FailureException(
                $"{host}: its sshd has no sftp, which the daemon needs to write to it",
                "give sshd_config the line: Subsystem sftp internal-sftp; or let it fetch, with --no-push");
        if (pushes && !facts.CanHaveAccount)
            throw new FailureException(
                $"{host} has no useradd, to make the account by which the daemon writes",
                "make it yourself: docs/hosts.md, section 6; or let the host fetch, with --no-push");
        CheckMatches(facts, host, keepsKeys);
        CheckOther(facts, host, pushes, other);
    }

    // Such a line holds in place of ours, for logins that a test as one account would never see.
    private static void CheckMatches(HostFacts facts, string host, bool keepsKeys)
    {
        var lines = facts.InMatches.Where(
            line => !keepsKeys || !line.Setting.StartsWith("authorizedkeys", StringComparison.Ordinal)).ToList();
        if (lines.Count > 0)
            throw new FailureException(
                $"{host} lets other lines than ours decide about some logins: {string.Join("; ", lines.Select(line => $"{line.Setting} ({line.Where})"))}",
                lines.TrueForAll(line => line.Setting.StartsWith("authorizedkeys", StringComparison.Ordinal))
                    ? "take these lines out of their Match blocks; --keep-keys lets plain keys open the host, and tctl nodes ls counts it among those"
                    : "take these lines out of their Match blocks");
    }

    private static void CheckOther(HostFacts facts, string host, bool pushes, OtherAuthority other)
    {
        var others = ((string[])["TrustedUserCAKeys", "RevokedKeys", "AuthorizedPrincipalsCommand"])
            .Where(name => facts.Settings.All(name).Any(value => !IsOurs(name, value)))
            .ToList();
        if (others.Count == 0 || other == OtherAuthority.Replace)
            return;
        var told = string.Join(" and ", others.Select(name => $"{name} {facts.Settings[name]} ({Where(facts, name)})"));
        if (other == OtherAuthority.Refuse)
            throw new FailureException(
                $"{host} trusts another authority, which would go out of force: {told}",
                "--keep-other-cas keeps its CA keys beside ours; --replace puts it out of force");
        if (others.Find(name => name != "TrustedUserCAKeys") is { } single)
            throw new FailureException(
                $"{host} cannot keep the other authority: sshd reads one {single} only ({Where(facts, single)})",
                "--replace puts it out of force; or take that line out first");
        if (!pushes)
            throw new FailureException(
                $"{host} cannot keep the other authority and fetch its files: the puller removes CA keys that are not at its source",
                "without --no-push the daemon writes both keys; --replace puts the other one out of force");
        if (facts.OtherCas.Length == 0)
            throw new FailureException(
                $"{host}: no CA key can be read from {facts.Settings["TrustedUserCAKeys"]}", "--replace puts it out of force");
    }

    // It is ours, whatever node name the host was enrolled under.
    private static bool IsOurs(string name, string value) => name == "AuthorizedPrincipalsCommand"
        ? value.StartsWith(@"/usr/bin/printf %%s\n%%s@", StringComparison.Ordinal)
            || value.StartsWith("/usr/bin/find /etc/ssh/certauthority/", StringComparison.Ordinal)
            || (value.StartsWith("/bin/sh -c '", StringComparison.Ordinal)
                && value.Contains(" /etc/ssh/certauthority/groups ", StringComparison.Ordinal))
        : value.StartsWith("/etc/ssh/certauthority/", StringComparison.Ordinal);

    private static string Where(HostFacts facts, string name) =>
        string.Join(
            ", ",
            facts.Lines.Where(line => line.Setting.StartsWith(name, StringComparison.OrdinalIgnoreCase)).Select(line => line.Where)
                .DefaultIfEmpty("its configuration"));
}
