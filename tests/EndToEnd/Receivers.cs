using System.Diagnostics;
using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A server of tests/ that is told, and the folder in which it keeps what it was told.</summary>
internal class TestReceiver : IDisposable
{
    private readonly Process process;

    protected TestReceiver(string folder, string program, params string[] arguments)
    {
        Directory.CreateDirectory(folder);
        Folder = folder;
        process = Process.Start(new ProcessStartInfo(Path.Combine(World.Repository, "tests", program), [folder, .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Port = int.Parse(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"tests/{program} does not start"));
    }

    public int Port { get; }

    protected string Folder { get; }

    /// <summary>How many times it was told.</summary>
    protected int Count(string ending) => Directory.GetFiles(Folder, $"*.{ending}").Length;

    protected string Kept(int number, string ending) => Path.Combine(Folder, $"{number}.{ending}");

    /// <summary>A certificate for 127.0.0.1 that nobody else trusts, and its key.</summary>
    public static (string Certificate, string Key) Certificate(Scratch scratch)
    {
        var (certificate, key) = (scratch["server.pem"], scratch["server.key"]);
        using var made = Process.Start(new ProcessStartInfo(
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var said = made.StandardError.ReadToEnd();
        made.WaitForExit();
        Assert.True(made.ExitCode == 0, said);
        return (certificate, key);
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}

/// <summary>What a web server was told.</summary>
/// <param name="Headers">All of them, and the path as <c>path</c>.</param>
/// <param name="BodyFile">Where the body lies as it came.</param>
internal sealed record Post(JsonElement Headers, string BodyFile)
{
    public JsonElement Body { get; } = JsonDocument.Parse(File.ReadAllBytes(BodyFile)).RootElement;

    public string Id => Body.GetProperty("id").GetString()!;

    public string Event => Body.GetProperty("event").GetString()!;

    public string Text => Body.GetProperty("text").GetString()!;

    public int Attempt => Body.GetProperty("attempt").GetInt32();
}

/// <summary>A web server that is told.</summary>
internal sealed class TestWebhook : TestReceiver
{
    public TestWebhook(Scratch scratch, string name, bool tls = false)
        : base(scratch[name], "webhook", tls ? [Certificate(scratch).Certificate, scratch["server.key"]] : []) =>
        Url = $"{(tls ? "https" : "http")}://127.0.0.1:{Port}/{name}";

    public string Url { get; }

    public List<Post> Posts => [.. Enumerable.Range(1, Count("body")).Select(n => new Post(JsonDocument.Parse(File.ReadAllBytes(Kept(n, "headers"))).RootElement, Kept(n, "body")))];

    /// <summary>Answers so from now on.</summary>
    public void Answer(string answer)
    {
        File.WriteAllText(Path.Combine(Folder, "answer.new"), answer);
        File.Move(Path.Combine(Folder, "answer.new"), Path.Combine(Folder, "answer"), overwrite: true);
    }
}

/// <summary>What a mail server took.</summary>
/// <param name="Said">Outside the message: <c>from</c>, <c>to</c>, <c>user</c>, <c>tls</c>.</param>
/// <param name="Text">The message as it came.</param>
internal sealed record Letter(JsonElement Said, string Text)
{
    public string To => Assert.Single(Said.GetProperty("to").EnumerateArray()).GetString()!;

    public string? Header(string name) => Text.Split("\r\n\r\n")[0].Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n")
        .SingleOrDefault(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
}

/// <summary>A mail server.</summary>
internal sealed class TestMailServer : TestReceiver
{
    public TestMailServer(Scratch scratch, string tls)
        : base(scratch["mail"], "mailserver", tls == "none" ? [tls] : [tls, Certificate(scratch).Certificate, scratch["server.key"]])
    {
    }

    public List<Letter> Letters => [.. Enumerable.Range(1, Count("json")).Select(n => new Letter(JsonDocument.Parse(File.ReadAllBytes(Kept(n, "json"))).RootElement, File.ReadAllText(Kept(n, "eml"))))];

    /// <summary>Who tried to log in, and with what.</summary>
    public string Logins => File.Exists(Path.Combine(Folder, "logins")) ? File.ReadAllText(Path.Combine(Folder, "logins")) : "";

    /// <summary>Has nobody of these addresses.</summary>
    public void Unknown(params string[] addresses) => File.WriteAllText(Path.Combine(Folder, "unknown"), string.Join('\n', addresses));
}
