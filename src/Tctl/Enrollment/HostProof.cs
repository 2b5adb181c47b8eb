using System.Diagnostics;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Tests from outside what a host does with certificates: real logins with certificates that can do nothing else.</summary>
internal sealed class HostProof : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // When sshd reloads its configuration it restarts, and meanwhile accepts no connections.
    private const int Tries = 10;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>The algorithm of the certificates in a proof.</summary>
    public const string CertificateType = "ssh-ed25519-cert-v01@openssh.com";

    // ssh itself gives up connecting after 20 s; the rest is for a server that answers and then does nothing.
    private static readonly TimeSpan LongestLogin = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("certauthority-proof-");

    private string Key => Path.Combine(folder.FullName, "key");

    /// <summary>Creates a key for the proof, and returns its public half.</summary>
    public async Task<string> NewKey(CancellationToken cancellation)
    {
        await InstalledProgram.Run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "proof", "-f", Key], cancellation);
        return (await File.ReadAllTextAsync($"{Key}.pub", cancellation)).Trim();
    }

    /// <summary>Tries the three certificates.</summary>
    /// <param name="node">The name of the host, which its own certificate must contain.</param>
    /// <param name="address">The host's address.</param>
    /// <param name="login">The login to test.</param>
    /// <param name="proof">The certificates.</param>
    /// <param name="expected">What the settings of its sshd predict for these logins.</param>
    /// <param name="say">Receives the reason for a delay.</param>
    /// <param name="cancellation">Cancels the test when the user interrupts it.</param>
    /// <exception cref="FailureException">The host does not do what it must.</exception>
    public async Task Try(
        string node, ServerAddress.Ssh address, string login, NodeProof proof, Expected expected, Action<string> say,
        CancellationToken cancellation)
    {
        await File.WriteAllTextAsync(
            Path.Combine(folder.FullName, "known_hosts"), OpenSsh.KnownHosts.Authorities(proof.HostCas), cancellation);
        var way = await Way(address, cancellation);
        var patience = new Patience(node, expected.Penalty, say);
        foreach (var (what, certificate, enters) in ((string, string, bool)[])[("for this host", proof.Enters, true),
            ("for another host", proof.Elsewhere, false), ("that is revoked", proof.Revoked, false)])
        {
            // Placed next to the key, where ssh finds it: with CertificateFile instead, ssh would have no key for it once plain keys are
            // not offered.
            AtomicFile.Replace($"{Key}-cert.pub", System.Text.Encoding.UTF8.GetBytes(certificate + "\n"), OwnerOnly);
            var (exitCode, said) = await Enter(node, way, login, patience, cancellation);
            // With MaxAuthTries 1 and 2, sshd refuses a login like this.
            var refused = exitCode == 255
                && (said.Contains("Permission denied", StringComparison.Ordinal)
                    || said.Contains("Too many authentication failures", StringComparison.Ordinal));
            if (refused)
                patience.Refusals++;
            if (enters ? exitCode == 0 : refused)
                continue;
            throw new FailureException(
                enters
                    ? $"{node} does not let in a certificate {what}, as {login}: {(expected.Obstacle is { } obstacle ? $"its {obstacle}" : said.Length > 0 ? Printable.Escape(said) : $"ssh ended with {exitCode}")}"
                : exitCode == 0 ? $"{node} lets in a certificate {what}, as {login}"
                : $"it could not be seen that {node} refuses a certificate {what}: {patience.WhyShut ?? Printable.Escape(said)}");
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private async Task<(int ExitCode, string Said)> Enter(
        string node, string[] way, string login, Patience patience, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            var (exitCode, _, said) = await InstalledProgram.Run(
                "ssh",
                [
                    // Uses nothing of the operator's that could also open the host: only this key with this certificate, offered once, and
                    // never without it.
                    "-F", "none", "-T", "-i", Key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
                    "-o", $"PubkeyAcceptedKeyTypes={CertificateType}",
                    "-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
                    $"UserKnownHostsFile={Path.Combine(folder.FullName, "known_hosts")}",
                    "-o", "GlobalKnownHostsFile=none", "-o", $"HostKeyAlias={node}", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20",
                    "-l", login, .. way, "true",
                ], cancellation, LongestLogin);
            var isShut = exitCode == 255
                && ((string[])["refused", "closed by", "reset by", "Not allowed at this time"]).Any(
                    word => said.Contains(word, StringComparison.Ordinal));
            if (!isShut || (tries >= Tries && !patience.HasMore()))
                return (exitCode, said.Trim());
            await Task.Delay(Pause, cancellation);
        }
    }

    /// <summary>
    /// Finds the host's address and the way to it in ssh's own configuration: the operator reaches it through their jump hosts.
    /// </summary>
    private static async Task<string[]> Way(ServerAddress.Ssh address, CancellationToken cancellation)
    {
        var (_, output, _) = await InstalledProgram.Run(
            "ssh", ["-G", .. address.Port is { } port ? (string[])["-p", $"{port}"] : [], "--", address.Host], cancellation);
        var settings = output.Split('\n').Select(line => line.Split(' ', 2)).Where(setting => setting.Length == 2)
            .ToLookup(setting => setting[0], setting => setting[1]);
        var (host, jump, command) = (settings["hostname"].FirstOrDefault() ?? address.Host, settings["proxyjump"].FirstOrDefault(),
            settings["proxycommand"].FirstOrDefault());
        if (host.StartsWith('-') || jump?.StartsWith('-') == true)
            throw new FailureException($"ssh says that {address.Host} is at '{host}', which is no host");
        var through = jump is not (null or "none") ? $"ssh -W [%h]:%p -- {jump}" : command is not (null or "none") ? command : null;
        return [.. through is null ? (string[])[] : ["-o", $"ProxyCommand={through}"], "-p", settings["port"].FirstOrDefault() ?? "22",
            "--", host];
    }

    /// <summary>What the settings of a host's sshd predict for the logins of a proof.</summary>
    /// <param name="Obstacle">The setting that blocks the first login; null if none does.</param>
    /// <param name="Penalty">How long sshd blocks an address after a refused login; null if it does not.</param>
    internal sealed record Expected(string? Obstacle, TimeSpan? Penalty);

    /// <summary>
    /// How long to wait for sshd to accept connections again after our own refused logins (<c>PerSourcePenalties</c>, OpenSSH 9.8 and
    /// later).
    /// </summary>
    private sealed class Patience(string node, TimeSpan? penalty, Action<string> say)
    {
        private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

        private Stopwatch? waited;
        private TimeSpan most;

        /// <summary>The number of refused logins.</summary>
        public int Refusals { get; set; }

        /// <summary>Why sshd blocks this address; null if penalties cannot be the reason.</summary>
        public string? WhyShut =>
            penalty is { } each && Refusals > 0
                ? $"its sshd keeps this address out after a refused login (PerSourcePenalties authfail:{each.TotalSeconds}s)"
                : null;

        /// <summary>Returns whether to keep waiting, and reports the wait once.</summary>
        public bool HasMore()
        {
            if (WhyShut is not { } why)
                return false;
            if (waited is null)
            {
                // One more second for each, because sshd counts from the end of the connection.
                most = (penalty!.Value + TimeSpan.FromSeconds(1)) * Refusals;
                if (most > Longest)
                    return false;
                waited = Stopwatch.StartNew();
                say($"{node}: {why}; waiting, {most.TotalSeconds:0}s at most");
            }
            return waited.Elapsed < most;
        }
    }
}
