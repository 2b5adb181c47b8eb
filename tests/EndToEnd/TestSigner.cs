using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>certauthority-signer as a process of another account, at a socket that only root can use.</summary>
internal sealed class TestSigner : IAsyncDisposable
{
    public const uint Uid = 5010;

    private readonly Scratch scratch;
    private readonly List<string> log = [];
    private Process? process;

    private TestSigner(Scratch scratch) => this.scratch = scratch;

    public string Socket => scratch["agent/agent.sock"];

    public string Settings => scratch["signer.conf"];

    /// <summary>The folder of its keys.</summary>
    public string Keys => scratch["signer"];

    /// <summary>The file of its log.</summary>
    public string Signatures => scratch["signer-log/signatures.jsonl"];

    public string Fingerprint { get; private set; } = "";

    /// <summary>What it wrote to stderr so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
                return string.Join('\n', log);
        }
    }

    /// <param name="scratch">The folder of the test.</param>
    /// <param name="limits">More settings.</param>
    public static async Task<TestSigner> Start(Scratch scratch, string limits = "lifetime 30h\n")
    {
        var signer = new TestSigner(scratch);
        Directory.CreateDirectory(scratch["agent"]);
        foreach (var (folder, mode) in new[] { ("signer", (UnixFileMode)0b111_000_000), ("signer-log", (UnixFileMode)0b111_101_000) })
        {
            Directory.CreateDirectory(scratch[folder], mode);
            Process.Start("chown", [$"{Uid}:{Uid}", scratch[folder]]).WaitForExit();
        }
        signer.Set(limits);
        await signer.Begin();
        return signer;
    }

    /// <summary>Writes its settings; it reads them when it begins.</summary>
    public void Set(string limits, string key = "user_ca") =>
        File.WriteAllText(Settings, $"key {Path.Combine(Keys, key)}\nlog {Signatures}\nclient 0\ncertificates user\n{limits}");

    /// <summary>The settings by which the daemon uses it.</summary>
    public string Configuration => $"user_ca: {{agent: {Socket}, fingerprint: '{Fingerprint}'}}\n";

    public async Task Begin()
    {
        // setpriv becomes the signer, so the process that gets the socket is the one that it was passed to.
        process = new Person(null, scratch["admin"], "").Start(
            Path.Combine(World.Repository, "tests", "listen"), Socket, "/usr/bin/setpriv", $"--reuid={Uid}", $"--regid={Uid}", "--clear-groups", "--",
            Path.Combine(World.Programs, "certauthority-signer"), "--config", Settings);
        process.ErrorDataReceived += (_, line) =>
        {
            lock (log)
                log.Add(line.Data ?? "");
        };
        process.BeginErrorReadLine();
        var ready = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(ready?.StartsWith($"ready: {Socket}, SHA256:", StringComparison.Ordinal), $"the signer said \"{ready}\" and wrote:\n{Log}");
        Fingerprint = ready!.Split(", ")[1];
        File.SetUnixFileMode(Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Waits until it has written something to stderr.</summary>
    public Task Says(string text) => Eventually.Holds(() => Task.FromResult(Log.Contains(text, StringComparison.Ordinal)), $"the signer says: {text}");

    /// <summary>Ends it without warning.</summary>
    public async Task Kill()
    {
        process!.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>Runs a command that finds it as its agent.</summary>
    public Task<Outcome> Types(uint? uid, params string[] words) => new Person(uid, scratch["admin"], "") { Environment = [("SSH_AUTH_SOCK", Socket)] }.Types(words);

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await Kill();
    }
}
