using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using CertAuthority.Access;
using CertAuthority.Linux;

namespace CertAuthority.Push;

/// <summary>A host as sftp is told of it.</summary>
/// <param name="Node">Its name, by which its key is known.</param>
/// <param name="Address">Where it is: a name or an address.</param>
/// <param name="Port">Null for 22.</param>
/// <param name="KnownHosts">Whose key it must show: lines of a known_hosts file.</param>
internal sealed record SftpHost(string Node, string Address, int? Port, string KnownHosts);

/// <summary>
/// Replaces files of a host by the system's sftp: each is sent under a name of its own, flushed to the disk there, read back and compared,
/// and only when all of them are right they take their places, each in one step (<c>posix-rename@openssh.com</c>).
/// </summary>
/// <remarks>A library in the process could not have the host flush a file, and without that a power cut leaves an empty list, by which everybody enters.</remarks>
internal static class Sftp
{
    // What sftp answers to lpwd: everything before it has been done then.
    private const string Mark = "Local working directory:";

    private const int MostSaid = 4000;

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    /// <summary>Sends files into the directory where the host's sshd lets the daemon begin.</summary>
    /// <param name="to">The host.</param>
    /// <param name="files">By name; they take their places in this order.</param>
    /// <param name="identity">The daemon's own key and certificate.</param>
    /// <param name="configuration">A file of ssh's settings, for jump hosts; null for none.</param>
    /// <param name="within">How long it may take.</param>
    /// <param name="scratch">An existing directory, for a directory of this session.</param>
    /// <param name="stopping">Stops.</param>
    /// <returns>What went wrong; null when all of them are in place.</returns>
    public static async Task<string?> Replace(
        SftpHost to, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, SyncIdentity identity, string? configuration, TimeSpan within, string scratch, CancellationToken stopping)
    {
        var own = Directory.CreateDirectory(Path.Combine(scratch, Path.GetRandomFileName())).FullName;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(within);
        try
        {
            await File.WriteAllTextAsync(Path.Combine(own, "known_hosts"), to.KnownHosts, limit.Token);
            foreach (var (name, content) in files)
                await File.WriteAllBytesAsync(Path.Combine(own, name), content, limit.Token);
            using var sftp = Process.Start(Command(to, identity, configuration, within, own)) ?? throw new IOException("it did not start");
            try
            {
                return await Talk(sftp, own, to, files, limit.Token);
            }
            finally
            {
                if (!sftp.HasExited)
                    sftp.Kill(entireProcessTree: true);
                // It writes into the directory that goes next.
                await sftp.WaitForExitAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return $"it did not take the files within {within.TotalSeconds} s";
        }
        catch (Win32Exception)
        {
            return "sftp can not be started here: install the OpenSSH client";
        }
        finally
        {
            Directory.Delete(own, recursive: true);
        }
    }

    private static ProcessStartInfo Command(SftpHost to, SyncIdentity identity, string? configuration, TimeSpan within, string own)
    {
        var start = new ProcessStartInfo("sftp",
        [
            "-b", "-", "-F", configuration ?? "none", "-i", identity.KeyFile, "-o", $"CertificateFile=\"{identity.CertificateFile}\"", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
            "-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes", "-o", $"User={SyncCertification.Login}", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=known_hosts",
            "-o", "GlobalKnownHostsFile=none", "-o", $"HostKeyAlias={to.Node}", "-o", "UpdateHostKeys=no", "-o", "CheckHostIP=no", "-o", "ControlPath=none", "-o", "ClearAllForwardings=yes",
            // Nothing that travels here is secret, so what quantum computers may read one day costs no time: a fifth of a second for each host, on both sides.
            "-o", "KexAlgorithms=^curve25519-sha256,ecdh-sha2-nistp256",
            "-o", "LogLevel=ERROR", "-o", $"ConnectTimeout={Math.Min(within.TotalSeconds, ConnectWithin.TotalSeconds)}", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2",
            .. to.Port is { } port ? (string[])["-P", $"{port}"] : [],
            "--", to.Address.Contains(':') ? $"[{to.Address}]" : to.Address,
        ])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = own,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        return start;
    }

    private static async Task<string?> Talk(Process sftp, string own, SftpHost to, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, CancellationToken limit)
    {
        var listening = Said(sftp.StandardError, limit);
        // Of a batch the first command that fails is the last.
        await Write(sftp, $"{string.Concat(files.Select(file => $"put -f {file.Name} {file.Name}.new\nget {file.Name}.new {file.Name}.back\n"))}lpwd\n", limit);
        while (await sftp.StandardOutput.ReadLineAsync(limit) is { } line)
            if (line.StartsWith(Mark, StringComparison.Ordinal))
            {
                foreach (var (name, content) in files)
                    if (await File.ReadAllBytesAsync(Path.Combine(own, $"{name}.back"), limit) is var back && !content.Span.SequenceEqual(back))
                        return $"{name} did not arrive there as it was sent";
                await Write(sftp, string.Concat(files.Select(file => $"rename {file.Name}.new {file.Name}\n")), limit);
                sftp.StandardInput.Close();
                break;
            }
        await sftp.StandardOutput.ReadToEndAsync(limit);
        await sftp.WaitForExitAsync(limit);
        var said = await listening;
        // sftp goes on when only the flush has failed.
        return sftp.ExitCode == 0 && !said.Contains("fsync", StringComparison.Ordinal) ? null : Fault(said, sftp.ExitCode, to);
    }

    private static async Task Write(Process sftp, string commands, CancellationToken limit)
    {
        try
        {
            await sftp.StandardInput.WriteAsync(commands.AsMemory(), limit);
            await sftp.StandardInput.FlushAsync(limit);
        }
        catch (IOException)
        {
            // It has ended; its exit code and its words say why.
        }
    }

    /// <summary>What ssh and sftp say on standard error, as one line for people. The host has a hand in it.</summary>
    internal static string Fault(string said, int exitCode, SftpHost to)
    {
        if (said.Contains("Host key verification failed", StringComparison.Ordinal))
            return $"it shows another host key than the one on record; where it has a new one: tctl auth sign --host={to.Node} KEY.pub";
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => line is not ("Connection closed" or "Connection closed.") && !line.StartsWith('@'))
            // Below /etc/ssh, as sshd shuts it in.
            .Select(line => line.Replace("\"/certauthority/", "\"/etc/ssh/certauthority/", StringComparison.Ordinal).Replace(" /certauthority/", " /etc/ssh/certauthority/", StringComparison.Ordinal)).ToList();
        if (lines.Count == 0)
            return $"sftp ended with {exitCode}";
        return string.Join("; ", lines) + (
            lines[^1].EndsWith(": Failure", StringComparison.Ordinal) ? " (sftp says no more; often a disk that is full, or can only be read)"
            : UnitNetwork.Remedy(said));
    }

    private static async Task<string> Said(StreamReader errors, CancellationToken limit)
    {
        var said = new StringBuilder();
        while (await errors.ReadLineAsync(limit) is { } line)
            if (said.Length < MostSaid)
                said.Append(line).Append('\n');
        return said.ToString();
    }
}
