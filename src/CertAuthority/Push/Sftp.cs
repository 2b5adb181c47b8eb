using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Push;

/// <summary>A host, as sftp needs to know it.</summary>
/// <param name="Node">The node's name, under which its key is known.</param>
/// <param name="Address">The host's address: a name or an IP address.</param>
/// <param name="Port">The port; null for 22.</param>
/// <param name="KnownHosts">The keys that the host and the jump hosts may show, as lines of a known_hosts file.</param>
internal sealed record SftpHost(string Node, string Address, int? Port, string KnownHosts)
{
    /// <summary>The jump hosts on the way to it, the first to connect to first.</summary>
    public IReadOnlyList<SftpJump> Way { get; init; } = [];
}

/// <summary>A jump host, as ssh needs to know it.</summary>
/// <param name="Node">The node's name, under which its key is known.</param>
/// <param name="Address">The host's address: a name or an IP address.</param>
/// <param name="Port">The port; null for 22.</param>
internal sealed record SftpJump(string Node, string Address, int? Port);

/// <summary>Why a write to a host failed.</summary>
/// <param name="Why">One line for people.</param>
/// <param name="Trouble">The kind of the failure.</param>
internal sealed record SyncFault(string Why, SyncTrouble Trouble = SyncTrouble.Other);

/// <summary>What is on a host before it is replaced; each is null if it is missing or cannot be fetched.</summary>
/// <param name="List">The revocation list.</param>
/// <param name="Manifest">The manifest of the list.</param>
/// <param name="Checkpoint">The checkpoint of the audit.</param>
/// <param name="IsContested">Whether there is an objection to replacing the list; then nothing is replaced.</param>
internal sealed record HostHoldings(byte[]? List, byte[]? Manifest, byte[]? Checkpoint, bool IsContested = false);

/// <summary>The result of writing to a host.</summary>
/// <param name="Fault">What went wrong; null if all files are in place.</param>
/// <param name="HasLooked">Whether the settings of sshd were read.</param>
/// <param name="IsExempt">Whether they exempt anybody from its penalties; null if it has none.</param>
/// <param name="ListsGroups">Whether they make sshd accept the tokens of the host's groups.</param>
internal sealed record SftpResult(SyncFault? Fault, bool HasLooked = false, bool? IsExempt = null, bool ListsGroups = false);

/// <summary>
/// Replaces files on a host with the system's sftp. Each file is sent under a temporary name, flushed to the host's disk, read back and
/// compared; only when all are correct do they replace the old files, each in one step (<c>posix-rename@openssh.com</c>).
/// </summary>
/// <remarks>
/// A library in the process could not make the host flush a file, and without a flush a power failure leaves an empty list, which admits
/// everybody.
/// </remarks>
internal static class Sftp
{
    // The reply of sftp to lpwd; all earlier commands have been executed then.
    private const string Mark = "Local working directory:";

    private const int MostSaid = 4000;

    /// <summary>The name of the checkpoint of the audit on hosts, as <c>certauthority-pull</c> names it too.</summary>
    public const string CheckpointName = "audit.checkpoint";

    // The local copy of the present first file, for inspection. A larger file is not one of our lists, and must not keep the correct list
    // out.
    private const string Present = "present";
    private const int LargestPresent = 16 << 20;

    private const string PresentManifest = "present.manifest";
    private const string PresentCheckpoint = "present.checkpoint";

    // The local copies of sshd_config and its drop-ins.
    private const string Settings = "settings";

    private static readonly string Bounded = $"ulimit -f {LargestPresent / 512}; trap '' XFSZ; exec sftp \"$@\"";

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    /// <summary>Sends files to the directory in which the host's sshd starts the daemon's session.</summary>
    /// <param name="to">The host.</param>
    /// <param name="files">The files, by name; they are replaced in this order.</param>
    /// <param name="objection">
    /// Inspects the present first file and returns why it must stay; null if it may be replaced. A file that cannot be fetched may be
    /// replaced.
    /// </param>
    /// <param name="judge">
    /// Inspects what was there, and returns further files to be replaced. It is called after the first files are in place, because a
    /// revocation does not wait for it; and if there is an objection.
    /// </param>
    /// <param name="mayReplace">Whether the files may still be replaced, at the last moment before they are.</param>
    /// <param name="looks">Whether to read the settings of sshd too.</param>
    /// <param name="identity">The daemon's own key and certificate.</param>
    /// <param name="configuration">A file with settings of ssh, for jump hosts; null for none.</param>
    /// <param name="within">The time limit.</param>
    /// <param name="scratch">An existing directory, in which a directory for this session is created.</param>
    /// <param name="stopping">Cancels the session when the daemon shuts down.</param>
    public static async Task<SftpResult> Replace(
        SftpHost to, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, Func<byte[], string?> objection,
        Func<HostHoldings, Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)>>> judge, Func<bool> mayReplace, bool looks,
        SyncIdentity identity, string? configuration, TimeSpan within, string scratch, CancellationToken stopping)
    {
        var own = Directory.CreateDirectory(Path.Combine(scratch, Path.GetRandomFileName())).FullName;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(within);
        try
        {
            await File.WriteAllTextAsync(Path.Combine(own, "known_hosts"), to.KnownHosts, limit.Token);
            Directory.CreateDirectory(Path.Combine(own, Settings));
            using var sftp = Process.Start(Command(to, identity, configuration, within, own)) ?? throw new IOException("it did not start");
            try
            {
                return await new Session(sftp, own, to.Way.Count > 0, mayReplace, limit.Token).Replace(files, objection, judge, looks);
            }
            finally
            {
                if (!sftp.HasExited)
                    sftp.Kill(entireProcessTree: true);
                // sftp writes to the directory that is deleted next.
                await sftp.WaitForExitAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return new SftpResult(new SyncFault($"it did not take the files within {within.TotalSeconds} s"));
        }
        catch (Win32Exception)
        {
            return new SftpResult(new SyncFault("sh cannot be started here"));
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }
    }

    private static ProcessStartInfo Command(SftpHost to, SyncIdentity identity, string? configuration, TimeSpan within, string own)
    {
        var start = new ProcessStartInfo("sh",
        [
            "-c", Bounded, "sftp", "-b", "-",
            .. Connecting(to.Node, Names.DaemonsLogin, identity, identity.CertificateFile, configuration, within),
            "-o", "ClearAllForwardings=yes",
            .. ProxyCommand.Through(to.Way.Select(jump => Through(jump, identity, configuration, within))) is { } way
                ? (string[])["-o", $"ProxyCommand={way}"]
                : [],
            // Of everything that ssh could log, only the host's words before and in its greeting. An ssh before 8.5 does not know the
            // option.
            "-o", "IgnoreUnknown=LogVerbose", "-o", "LogVerbose=*:kex_exchange_identification():*",
            .. to.Port is { } port ? (string[])["-P", $"{port}"] : [],
            "--", to.Address.Contains(':') ? $"[{to.Address}]" : to.Address,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = own,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        return start;
    }

    private static string[] Through(SftpJump jump, SyncIdentity identity, string? configuration, TimeSpan within) =>
        [
            .. Connecting(jump.Node, Names.JumpLogin, identity, identity.JumpCertificateFile, configuration, within),
            "-p", $"{jump.Port ?? 22}", "--", jump.Address,
        ];

    /// <summary>Returns the options by which ssh connects as the daemon, to a host under its name as a node.</summary>
    private static string[] Connecting(
        string node, string login, SyncIdentity identity, string certificate, string? configuration, TimeSpan within) =>
        [
            "-F", configuration ?? "none", "-i", identity.KeyFile, "-o", $"CertificateFile=\"{certificate}\"", "-o", "IdentitiesOnly=yes",
            "-o", "IdentityAgent=none", "-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes", "-o", $"User={login}",
            "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=known_hosts", "-o", "GlobalKnownHostsFile=none",
            "-o", $"HostKeyAlias={node}", "-o", "UpdateHostKeys=no", "-o", "CheckHostIP=no", "-o", "ControlPath=none",
            // Nothing in this session is secret, so it need not resist future quantum computers; that saves a fifth of a second for each
            // host, on both sides.
            "-o", "KexAlgorithms=^curve25519-sha256,ecdh-sha2-nistp256",
            "-o", "LogLevel=ERROR", "-o", $"ConnectTimeout={Math.Min(within.TotalSeconds, ConnectWithin.TotalSeconds)}",
            "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2",
        ];

    /// <summary>Converts the standard error of ssh and sftp to one line for people. The host can influence the text.</summary>
    /// <param name="said">The standard error.</param>
    /// <param name="exitCode">The exit code of sftp.</param>
    /// <param name="passesJumps">Whether jump hosts are on the way.</param>
    internal static SyncFault Fault(string said, int exitCode, bool passesJumps = false)
    {
        if (said.Contains("Host key verification failed", StringComparison.Ordinal))
            return new SyncFault(
                passesJumps
                    ? "it, or a jump host on the way, shows another host key than the one on record"
                    : "it shows another host key than the one on record",
                SyncTrouble.HostKey);
        if (exitCode == 127)
            return new SyncFault("sftp cannot be started here: install the OpenSSH client");
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(WithoutPlace).Where(line => line is not ("Connection closed" or "Connection closed.") && !line.StartsWith('@'))
            // The path is relative to /etc/ssh, to which sshd confines the session.
            .Select(
                line => line.Replace("\"/certauthority/", "\"/etc/ssh/certauthority/", StringComparison.Ordinal)
                    .Replace(" /certauthority/", " /etc/ssh/certauthority/", StringComparison.Ordinal)).ToList();
        if (lines.Count == 0)
            return new SyncFault($"sftp ended with {exitCode}");
        return new SyncFault(string.Join("; ", lines) + (
            lines[^1].EndsWith(": Failure", StringComparison.Ordinal)
                ? " (sftp says no more; often a disk that is full, or can only be read)"
            : UnitNetwork.Remedy(said)));
    }

    // "kex.c:kex_exchange_identification():1383 (pid=6764): Connection closed" is the format of ssh 8.5 and later for messages that
    // LogVerbose selects.
    private static string WithoutPlace(string line) =>
        line.StartsWith("kex.c:", StringComparison.Ordinal) && line.IndexOf("): ", StringComparison.Ordinal) is >= 0 and var place
            ? $"kex_exchange_identification: {line[(place + 3)..]}"
            : line;

    /// <summary>One session: it sends commands, and when sftp prints its local directory, all of them have been executed.</summary>
    private sealed class Session(Process sftp, string own, bool passesJumps, Func<bool> mayReplace, CancellationToken limit)
    {
        private readonly SshWords words = new();

        // The file that arrived changed.
        private string? changed;
        private bool isLate;

        public async Task<SftpResult> Replace(
            IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, Func<byte[], string?> objection,
            Func<HostHoldings, Task<IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)>>> judge, bool looks)
        {
            var listening = words.Listen(sftp.StandardError, limit);
            // A command that fails is the last one, unless it begins with a dash.
            if (await Do($"-get {files[0].Name} {Present}\n"))
            {
                var present = await Read(Present);
                var contested = present is null ? null : objection(present);
                if (contested is not null || await Put(files))
                {
                    var readsAll = await Do(
                        $"-get {Manifest.FileName} {PresentManifest}\n-get {CheckpointName} {PresentCheckpoint}\n");
                    if (contested is not null)
                    {
                        if (readsAll)
                            await judge(new HostHoldings(present, null, await Read(PresentCheckpoint), IsContested: true));
                        return new SftpResult(new SyncFault(contested, SyncTrouble.Contested));
                    }
                    if (readsAll)
                    {
                        var further = await judge(new HostHoldings(present, await Read(PresentManifest), await Read(PresentCheckpoint)));
                        // The settings are below /etc/ssh, to which sshd confines the daemon. Files that it may not read are left out.
                        if ((further.Count == 0 || await Put(further)) && looks)
                            await Do($"-get /sshd_config {Settings}/\n-get /sshd_config.d/*.conf {Settings}/\n");
                    }
                }
                if (isLate)
                    return new SftpResult(new SyncFault("this daemon stood still for a while, and another one may lead by now"));
                if (changed is not null)
                    return new SftpResult(new SyncFault($"{changed} did not arrive there as it was sent"));
            }
            await Tell("bye\n");
            await sftp.StandardOutput.ReadToEndAsync(limit);
            await sftp.WaitForExitAsync(limit);
            await listening;
            // sftp continues if only the flush has failed.
            if (sftp.ExitCode != 0 || words.Said.Contains("fsync", StringComparison.Ordinal))
                return new SftpResult(words.Banner.Contains("Not allowed at this time", StringComparison.Ordinal)
                    ? new SyncFault(
                        "it refuses this address for now (PerSourcePenalties), because logins from here failed", SyncTrouble.Penalty)
                    : Fault(words.Banner + words.Said, sftp.ExitCode, passesJumps));
            return new SftpResult(
                null, looks, looks && Penalties.ArePossible(words.Software) ? await AreWaived() : null, looks && await ListGroups());
        }

        /// <summary>Replaces files when all of them have arrived as they were sent.</summary>
        /// <returns>Whether they are in place; if not, sftp has ended, one arrived changed, or it is too late for them.</returns>
        private async Task<bool> Put(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files)
        {
            foreach (var (name, content) in files)
                await File.WriteAllBytesAsync(Path.Combine(own, name), content, limit);
            if (!await Do(
                string.Concat(files.Select(file => $"put -f {file.Name} {file.Name}.new\nget {file.Name}.new {file.Name}.back\n"))))
                return false;
            foreach (var (name, content) in files)
                if (await Read($"{name}.back") is not { } back || !content.Span.SequenceEqual(back))
                {
                    changed = name;
                    return false;
                }
            isLate = !mayReplace();
            return !isLate && await Do(string.Concat(files.Select(file => $"rename {file.Name}.new {file.Name}\n")));
        }

        /// <returns>Whether the commands were executed; if not, sftp has ended.</returns>
        private async Task<bool> Do(string commands)
        {
            await Tell($"{commands}lpwd\n");
            while (await sftp.StandardOutput.ReadLineAsync(limit) is { } line)
                if (line.StartsWith(Mark, StringComparison.Ordinal))
                    return true;
            return false;
        }

        private async Task Tell(string commands)
        {
            try
            {
                await sftp.StandardInput.WriteAsync(commands.AsMemory(), limit);
                await sftp.StandardInput.FlushAsync(limit);
            }
            catch (IOException)
            {
                // It has ended; its exit code and its messages give the reason.
            }
        }

        private async Task<byte[]?> Read(string name) =>
            Path.Combine(own, name) is var path && File.Exists(path) ? await File.ReadAllBytesAsync(path, limit) : null;

        private async Task<bool> ListGroups() =>
            Path.Combine(own, Settings, Path.GetFileName(HostFiles.DropIn)) is var path && File.Exists(path)
            && HostFiles.ListsGroups(await File.ReadAllTextAsync(path, limit));

        private async Task<bool> AreWaived()
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(own, Settings)))
                if (Penalties.AreWaived(await File.ReadAllTextAsync(file, limit)))
                    return true;
            return false;
        }
    }

    /// <summary>The standard error of ssh and sftp. The host can influence the text.</summary>
    private sealed class SshWords
    {
        private static readonly string[] Inspected = ["revoked.krl", $"/{Manifest.FileName}", $"/{CheckpointName}"];

        private const string Greeting = "remote software version ";

        private readonly StringBuilder said = new();
        private readonly StringBuilder banner = new();

        /// <summary>The software name in the host's greeting.</summary>
        public string Software { get; private set; } = "";

        /// <summary>What the host sent instead of a greeting, line by line.</summary>
        public string Banner => banner.ToString();

        /// <summary>All other messages, line by line.</summary>
        public string Said => said.ToString();

        public async Task Listen(StreamReader errors, CancellationToken limit)
        {
            while (await errors.ReadLineAsync(limit) is { } line)
                if (!line.StartsWith("debug1: ", StringComparison.Ordinal))
                {
                    if (said.Length < MostSaid && !IsOfPresent(line))
                        said.Append(line).Append('\n');
                }
                else if (line.IndexOf(Greeting, StringComparison.Ordinal) is >= 0 and var greeting)
                    Software = line[(greeting + Greeting.Length)..];
                else if (line.IndexOf("banner line ", StringComparison.Ordinal) is >= 0 and var at
                    && line.IndexOf(": ", at, StringComparison.Ordinal) is >= 0 and var text && banner.Length < MostSaid)
                    banner.Append(line[(text + 2)..]).Append('\n');
        }

        // A missing file, or one that cannot be fetched, is a reason to send the next one.
        private static bool IsOfPresent(string line) =>
            line.Contains($"\"{Present}", StringComparison.Ordinal)
            || (!line.Contains(".new", StringComparison.Ordinal) && Inspected.Any(
                name => line.Contains($"{name}\"", StringComparison.Ordinal) || line.EndsWith(name, StringComparison.Ordinal)
                    || line.Contains($"{name}: not a regular file", StringComparison.Ordinal)));
    }
}
