using System.Globalization;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// An ssh-agent, which tsh reaches through ssh-add. After each login, it holds the certificates of this home with their key, each no longer
/// than the certificate lives.
/// </summary>
internal sealed class Agent
{
    // The exit code of ssh-add if it cannot reach an agent (ssh-add(1)).
    private const int Nobody = 2;

    // gpg-agent gives its socket for ssh this name everywhere.
    private const string GpgSocket = "S.gpg-agent.ssh";

    private const string Without = "tsh login --add-keys-to-agent=no does without";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // Some agents ask their user before they accept a key.
    private static readonly TimeSpan LimitToAdd = TimeSpan.FromSeconds(30);

    private readonly string socket;

    private Agent(string socket) => this.socket = socket;

    /// <summary>Returns the running agent; null if there is none.</summary>
    /// <exception cref="FailureException">The agent does not answer, or is of a kind that cannot hold certificates.</exception>
    public static async Task<Agent?> Running(CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") is not { Length: > 0 } socket)
            return null;
        var agent = new Agent(socket);
        if ((await agent.Run(["-l"], Limit, cancellation)).ExitCode == Nobody)
            return null;
        // gpg-agent would report success, drop the certificate, and keep the private key forever.
        return Path.GetFileName(File.ResolveLinkTarget(socket, returnFinalTarget: true)?.FullName ?? socket) != GpgSocket
            ? agent
            : throw new FailureException("the ssh-agent here is gpg-agent, which cannot hold certificates, so it gets no key", Without);
    }

    /// <summary>Returns the running agent if the user requires one.</summary>
    /// <exception cref="FailureException">There is no agent that can hold certificates.</exception>
    public static async Task<Agent> Expected(CancellationToken cancellation) =>
        await Running(cancellation)
        ?? throw new FailureException(
            "no ssh-agent runs here", "start one: eval $(ssh-agent), or do without: tsh login --add-keys-to-agent=no");

    /// <summary>
    /// Adds a key with its certificates. The caller must hold the <see cref="Home.Lock"/> and have called <see cref="Forget"/>.
    /// </summary>
    /// <param name="home">Records that the agent has the key.</param>
    /// <param name="key">The private key; FILE.pub is next to it.</param>
    /// <param name="certificates">The certificates of the login; the one that was requested comes first.</param>
    /// <param name="plainKey">
    /// Until when the agent also keeps the key alone: certificates that come later can be used only with it. Null for never.
    /// </param>
    /// <param name="cancellation">Cancels the wait for the agent.</param>
    /// <exception cref="FailureException">
    /// The agent refused, or did not keep a certificate. Everything that it accepted has been removed again.
    /// </exception>
    public async Task Add(
        Home home, string key, IReadOnlyList<OneCertificate> certificates, DateTimeOffset? plainKey, CancellationToken cancellation)
    {
        var publicKey = PublicKey.ParseLine(await File.ReadAllTextAsync(key + ".pub", cancellation));
        var ends = certificates.Select(one => one.Info.ValidBefore).Append(plainKey ?? default).Max();
        home.AgentKeys.Add(new AgentKey(publicKey, socket, ends));

        // ssh-add uses the certificate next to a key.
        var folder = Directory.CreateDirectory(
            Path.Combine(Path.GetDirectoryName(key)!, $"agent.{Guid.NewGuid():n}"), (UnixFileMode)0b111_000_000).FullName;
        try
        {
            var identity = Path.Combine(folder, "id");
            File.CreateSymbolicLink(identity, key);
            if (plainKey is { } until)
                await Add(identity, until);
            // The everyday certificate comes first in the agent's list, because ssh without a configuration offers them in this order.
            foreach (var one in certificates.OrderBy(one => one.Info.HasConditions ? 1 : 0).ThenBy(one => one.Info.Requests.Length))
            {
                await File.WriteAllTextAsync(identity + "-cert.pub", one.Certificate + "\n", cancellation);
                await Add(identity, one.Info.ValidBefore);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        // ssh-add adds the key alone, and then the key with its certificate. Servers count the keys that are offered, and the key alone
        // opens nothing.
        if (plainKey is null)
            await Remove(publicKey.ToString(), cancellation);
        // Some agents report success and do something else.
        var held = await Identities(publicKey, cancellation);
        var signed = held.Select(identity => identity.Certificate).OfType<Certificate>().ToList();
        if (certificates.All(
            one => Certificate.ParseLine(one.Certificate).SignedBytes is var bytes
                && signed.Exists(certificate => certificate.SignedBytes.Span.SequenceEqual(bytes.Span)))
            && (plainKey is not null || signed.Count == held.Count))
            return;
        throw await Undo(home, publicKey, cancellation)
            ? new FailureException("the ssh-agent did not keep the certificate; the key has been removed from it again", Without)
            : new FailureException(
                "the ssh-agent did not keep the certificate, and it does not let go of the private key",
                "remove the key with the agent's own tools; " + Without);

        async Task Add(string identity, DateTimeOffset until)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling((until - TimeProvider.System.GetUtcNow()).TotalSeconds));
            var add = await Run(["-q", "-t", seconds.ToString(CultureInfo.InvariantCulture), "--", identity], LimitToAdd, cancellation);
            if (add.ExitCode == 0)
                return;
            await Undo(home, publicKey, cancellation);
            throw new FailureException($"the ssh-agent did not take the key: {add.Error.Split('\n')[^1]}", Without);
        }
    }

    /// <summary>Removes everything that came from this home from every agent.</summary>
    /// <returns>A sentence for each agent that may still hold a key.</returns>
    public static async Task<IReadOnlyList<string>> Forget(Home home, CancellationToken cancellation)
    {
        var now = TimeProvider.System.GetUtcNow();
        var keys = home.AgentKeys.Read().ToList();
        if (Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") is { Length: > 0 } here && home.PublicKeyAtHand() is { } own)
            keys.Add(new AgentKey(own, here, now));
        keys = [.. keys.DistinctBy(key => (key.Key, key.Socket))];
        var (remaining, faults) = (new List<AgentKey>(), new List<string>());
        foreach (var held in keys.GroupBy(key => key.Socket))
        {
            try
            {
                foreach (var key in held)
                    if (!await new Agent(held.Key).Removes(key.Key, cancellation))
                        remaining.Add(key);
            }
            catch (FailureException silent)
            {
                remaining.AddRange(held);
                faults.Add(silent.Message);
            }
        }
        // An agent that is unreachable now drops the key at its expiry, if the agent returns.
        remaining.RemoveAll(key => key.Until <= now);
        home.AgentKeys.Write(remaining);
        return faults;
    }

    /// <summary>Removes a key with all of its certificates; false if the agent cannot be reached or keeps the key.</summary>
    private async Task<bool> Removes(PublicKey key, CancellationToken cancellation)
    {
        var list = await Run(["-L"], Limit, cancellation);
        if (list.ExitCode == Nobody)
            return false;
        if (!Identities(key, list.Output).Any())
            return true;
        foreach (var identity in Identities(key, list.Output))
            await Remove(identity.Line, cancellation);
        if ((await Identities(key, cancellation)).Count == 0)
            return true;
        await RemoveFromGpg(key, cancellation);
        return (await Identities(key, cancellation)).Count == 0;
    }

    private async Task<bool> Undo(Home home, PublicKey key, CancellationToken cancellation)
    {
        if (!await Removes(key, cancellation))
            return false;
        home.AgentKeys.Write([.. home.AgentKeys.Read().Where(known => (known.Key, known.Socket) != (key, socket))]);
        return true;
    }

    /// <summary>
    /// Removes a key from gpg-agent, which reports "removed" to ssh-add but keeps the key on the disk. Only its own protocol removes it.
    /// </summary>
    private static async Task RemoveFromGpg(PublicKey key, CancellationToken cancellation)
    {
        try
        {
            var fingerprint = HostCas.Fingerprint(key);
            var list = await Gpg("KEYINFO --ssh-list --ssh-fpr=sha256");
            foreach (var line in list.Output.Split('\n').Where(line => line.Split(' ').Contains(fingerprint)))
                await Gpg($"DELETE_KEY --force {line.Split(' ')[2]}");
        }
        catch (FailureException)
        {
            // It is not gpg-agent after all. The caller checks what the agent holds now.
        }

        Task<(int ExitCode, string Output, string Error)> Gpg(string command) =>
            InstalledProgram.Run("gpg-connect-agent", ["--no-autostart", command, "/bye"], cancellation, Limit);
    }

    private async Task<List<Identity>> Identities(PublicKey key, CancellationToken cancellation) =>
        [.. Identities(key, (await Run(["-L"], Limit, cancellation)).Output)];

    private static IEnumerable<Identity> Identities(PublicKey key, string list)
    {
        foreach (var line in list.Split('\n'))
            if (Identity.TryParse(line) is { } identity && identity.Key == key)
                yield return identity;
    }

    // ssh-add removes an identity that a file names; only newer releases accept - for standard input.
    private async Task Remove(string line, CancellationToken cancellation)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("tsh-").FullName, "agent.pub");
        try
        {
            await File.WriteAllTextAsync(file, line.TrimEnd() + "\n", cancellation);
            await Run(["-q", "-d", "--", file], Limit, cancellation);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    private Task<(int ExitCode, string Output, string Error)> Run(string[] arguments, TimeSpan limit, CancellationToken cancellation) =>
        InstalledProgram.Run(
        "ssh-add", arguments, cancellation, limit, $"the ssh-agent at {socket} did not answer within {limit.TotalSeconds} s",
            ("SSH_AUTH_SOCK", socket));

    /// <summary>An identity that an agent holds: a key, or a certificate with its key.</summary>
    /// <param name="Line">The line that ssh-add -L prints.</param>
    /// <param name="Key">The key.</param>
    /// <param name="Certificate">The certificate; null for the key alone.</param>
    private sealed record Identity(string Line, PublicKey Key, Certificate? Certificate)
    {
        public static Identity? TryParse(string line)
        {
            try
            {
                return line.Contains("-cert-v01@", StringComparison.Ordinal)
                    ? Certificate.ParseLine(line) is var certificate ? new Identity(line, certificate.Key, certificate) : null
                    : new Identity(line, PublicKey.ParseLine(line), null);
            }
            catch (SshFormatException)
            {
                // A kind of key that is never certified, so it is not one of ours.
                return null;
            }
        }
    }
}
