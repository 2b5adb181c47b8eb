using System.Diagnostics;
using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A command on a terminal of its own, made by script(1): what it shows there, and keys that are pressed.</summary>
internal sealed class Pty : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder shown = new();
    private readonly Task reading;

    private Pty(Process process)
    {
        this.process = process;
        reading = Read();
    }

    /// <param name="person">Who sits there.</param>
    /// <param name="command">For a shell.</param>
    public static Pty Start(Person person, string command) =>
        new((person with { Environment = [("TERM", "xterm"), ("SHELL", "/bin/bash"), .. person.Environment] }).Start("script", "-qefc", command, "/dev/null"));

    /// <summary>Everything that the command shows, and how it ends; nobody presses a key.</summary>
    public static async Task<(int ExitCode, string Shown)> Run(Person person, string command)
    {
        using var pty = Start(person, command);
        var exitCode = await pty.Ended();
        return (exitCode, pty.Shown);
    }

    public string Shown
    {
        get
        {
            lock (shown)
                return shown.ToString();
        }
    }

    public Task Shows(string text) => Eventually.Holds(() => Shown.Contains(text), $"\"{text}\" on the terminal");

    public async Task Press(string keys)
    {
        await process.StandardInput.WriteAsync(keys);
        await process.StandardInput.FlushAsync();
    }

    /// <summary>Ends what can be typed: Ctrl-D.</summary>
    public void Leave() => process.StandardInput.Close();

    public async Task<int> Ended()
    {
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));
        await reading;
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private async Task Read()
    {
        var part = new char[1024];
        while (await process.StandardOutput.ReadAsync(part) is var count and > 0)
            lock (shown)
                shown.Append(part, 0, count);
    }
}
