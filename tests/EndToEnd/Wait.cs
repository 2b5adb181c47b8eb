using System.Diagnostics;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A command that waits, and what it has said so far.</summary>
internal sealed partial class Wait(Process process) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private Task<string?>? line;

    public static Wait Start(Person person, string command) => new(person.Start(command.Split(' ')));

    /// <summary>The id in the first line, once it is also said who can approve.</summary>
    public async Task<string> Filed()
    {
        var id = Id().Match(await process.StandardOutput.ReadLineAsync().WaitAsync(Patience) ?? "").Value;
        Assert.StartsWith("tsh: needs ", await NextTalk());
        return id;
    }

    public async Task<string> NextTalk() => await process.StandardError.ReadLineAsync().WaitAsync(Patience) ?? "";

    /// <summary>The next line of data.</summary>
    public async Task<string> NextLine()
    {
        var next = line ?? process.StandardOutput.ReadLineAsync();
        line = null;
        return await next.WaitAsync(Patience) ?? "";
    }

    /// <summary>Whether a line of data comes within some time; it is read then.</summary>
    public async Task<bool> HasLine(TimeSpan within)
    {
        line ??= process.StandardOutput.ReadLineAsync();
        if (await Task.WhenAny(line, Task.Delay(within)) != line)
            return false;
        line = null;
        return true;
    }

    public async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, process.Id.ToString()]);
        await kill.WaitForExitAsync();
    }

    public async Task<Outcome> Ended()
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new Outcome(process.ExitCode, await output, await error);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Id();
}
