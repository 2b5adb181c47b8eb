using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// A root shell on a host, through one ssh process that stays open: it runs the steps of <c>host.sh</c> one after the other.
/// </summary>
internal sealed class RemoteHost : IAsyncDisposable
{
    // The output of a step is shown, up to as much as a person reads.
    private const int MostSaid = 4000;

    private static readonly TimeSpan LongestStep = TimeSpan.FromMinutes(2);

    private readonly Process ssh;
    private readonly StringBuilder said = new();
    private readonly Task listening;
    private readonly Action<string> warn;
    private readonly HashSet<string> warnedOf = [];
    private bool isThrough;

    // Marks the output of a step: start files of the login shell on the host can print text too.
    private readonly string begin = $"certauthority-{Guid.NewGuid():n}";
    private readonly string end = $"certauthority-{Guid.NewGuid():n}";

    private RemoteHost(ServerAddress.Ssh address, Process ssh, Action<string> warn)
    {
        (Address, this.ssh, this.warn) = (address, ssh, warn);
        listening = Listen();
    }

    /// <summary>Whether ssh has ended.</summary>
    public bool IsGone => ssh.HasExited;

    /// <summary>The address of the host.</summary>
    public ServerAddress.Ssh Address { get; }

    private string AsTyped => string.Join(
        ' ', [
            "ssh", .. Address.Port is { } port ? (string[])["-p", $"{port}"] : [],
            Address.User is { } user ? $"{user}@{Address.Host}" : Address.Host]);

    /// <summary>Starts ssh with everything that the operator has set up for it: keys, agent, jump hosts, configuration.</summary>
    /// <param name="address">The address of the host.</param>
    /// <param name="mayAsk">Whether ssh may ask for a password, or whether to trust a host key.</param>
    /// <param name="warn">Receives warnings from a step that succeeds.</param>
    /// <param name="cancellation">Cancels the connection when the user interrupts it.</param>
    /// <exception cref="FailureException">There is no ssh, or it cannot log in.</exception>
    public static async Task<RemoteHost> Connect(
        ServerAddress.Ssh address, bool mayAsk, Action<string> warn, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("ssh",
        [
            "-T",
            "-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "RemoteCommand=none", "-o",
            "LogLevel=ERROR",
            // A shared connection would belong to the operator, and end together with theirs.
            "-o", "ControlPath=none", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
            .. mayAsk ? (string[])[] : ["-o", "BatchMode=yes"],
            .. address.Port is { } port ? (string[])["-p", $"{port}"] : [],
            .. address.User is { } user ? (string[])["-l", user] : [],
            "--", address.Host,
            // A single word that any shell of the account understands: fish, tcsh and zsh parse only this much of it.
            "exec sh -c 'if [ \"$(id -u)\" = 0 ]; then exec sh -s -- \"$SSH_CONNECTION\"; else exec sudo -n sh -s -- \"$SSH_CONNECTION\"; fi'",
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            var host = new RemoteHost(address, Process.Start(start)!, warn);
            using var script = new StreamReader(typeof(RemoteHost).Assembly.GetManifestResourceStream("host.sh")!);
            await host.Write(await script.ReadToEndAsync(cancellation));
            return host;
        }
        catch (Win32Exception)
        {
            throw new FailureException("ssh cannot be started", "install the OpenSSH client");
        }
    }

    /// <summary>Runs a step, and returns the lines of its standard output.</summary>
    /// <param name="step">One line of shell.</param>
    /// <param name="cancellation">Cancels the step when the user interrupts it; the host is then restored to its previous state.</param>
    /// <exception cref="FailureException">The step failed; the message is its output.</exception>
    public async Task<string[]> Run(string step, CancellationToken cancellation)
    {
        await Write($"echo {begin}; echo {begin} >&2\n{step}\necho \"{end} $?\"; echo \"{end}\" >&2\n");
        var lines = new List<string>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(LongestStep);
        try
        {
            while (await ssh.StandardOutput.ReadLineAsync(limit.Token) is { } line)
                if (line.EndsWith(begin, StringComparison.Ordinal))
                    lines.Clear();
                else if (!line.StartsWith($"{end} ", StringComparison.Ordinal))
                    lines.Add(line);
                else if (await Said(limit.Token) is var why && line == $"{end} 0")
                {
                    isThrough = true;
                    foreach (var warning in why.Where(warnedOf.Add))
                        warn($"{Address.Host}: {warning}");
                    return [.. lines];
                }
                else
                    throw new FailureException(
                        why.Length > 0 ? $"{Address.Host}: {string.Join("; ", why)}" : $"{Address.Host}: {step.Split(' ')[0]} failed");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new FailureException($"{Address.Host} did not do its part within {LongestStep.TotalMinutes} minutes");
        }
        await ssh.WaitForExitAsync(cancellation);
        if (isThrough)
            throw new FailureException(
                $"the connection to {Address.Host} broke{(await Said(cancellation) is { Length: > 0 } words ? $": {string.Join("; ", words)}" : "")}");
        throw new FailureException(
            $"no way into {Address.Host}{(Address.Port is { } port ? $", port {port}" : "")}: {(await Said(cancellation) is { Length: > 0 } last ? string.Join("; ", last) : $"ssh ended with {ssh.ExitCode}")}",
            $"it must let you in as root, or as an account for which sudo asks no password: {AsTyped}");
    }

    /// <summary>Sends a file to the staging directory.</summary>
    /// <param name="name">The name of the file, without a directory.</param>
    /// <param name="content">The complete content.</param>
    /// <param name="cancellation">Cancels the transfer when the user interrupts it.</param>
    public Task Stage(string name, byte[] content, CancellationToken cancellation) =>
        Run(
            $"stage {name} <<'{end}'\n{Convert.ToBase64String(content, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\n")}\n{end}", cancellation);

    /// <summary>Ends the shell on the host. Changes that were not kept are undone before it ends.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            ssh.StandardInput.Close();
            await ssh.WaitForExitAsync().WaitAsync(LongestStep);
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            ssh.Kill(entireProcessTree: true);
        }
        ssh.Dispose();
    }

    private async Task Write(string text)
    {
        try
        {
            await ssh.StandardInput.WriteAsync(text);
            await ssh.StandardInput.FlushAsync();
        }
        catch (IOException)
        {
            // ssh has ended; reading its output shows why.
        }
    }

    /// <summary>Returns the standard error since the last call, up to the end of the step.</summary>
    private async Task<string[]> Said(CancellationToken cancellation)
    {
        // Text that is still on its way belongs to the step.
        for (var tries = 0; tries < 100 && !listening.IsCompleted; tries++)
        {
            lock (said)
                if (said.ToString().Contains(end, StringComparison.Ordinal))
                    break;
            await Task.Delay(20, cancellation);
        }
        lock (said)
        {
            var lines = said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            said.Clear();
            return [
                .. lines.Skip(Array.FindLastIndex(lines, line => line.EndsWith(begin, StringComparison.Ordinal)) + 1)
                    .Where(line => line != end)];
        }
    }

    private async Task Listen()
    {
        while (await ssh.StandardError.ReadLineAsync() is { } line)
            lock (said)
                if (said.Length < MostSaid)
                    said.Append(line).Append('\n');
    }
}
