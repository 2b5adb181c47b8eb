using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A test in a browser.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = World.Unless(World.HasPeople && File.Exists(Browser.Program), "needs root, the accounts of tests/world and chromium; run ./test as root");
}

/// <summary>The browsers of all tests, one for each account: what a browser may do on loopback depends on whose it is.</summary>
public sealed class Browsers : IAsyncLifetime
{
    private readonly ConcurrentDictionary<uint, Lazy<Task<Browser>>> started = new();

    internal async Task<Tab> Open(uint uid, bool hasScript = true, bool isDark = false, int width = 1280) =>
        await (await started.GetOrAdd(uid, account => new Lazy<Task<Browser>>(() => Browser.Start(account))).Value).Open(hasScript, isDark, width);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var browser in started.Values)
            await (await browser.Value).DisposeAsync();
    }
}

/// <summary>Debian's Chromium, without a window, driven by the DevTools protocol.</summary>
internal sealed partial class Browser : IAsyncDisposable
{
    public const string Program = "/usr/bin/chromium";

    private readonly Process process;
    private readonly Scratch scratch;
    private readonly ClientWebSocket socket = new();
    private readonly SemaphoreSlim sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> calls = new();
    private int last;
    private Task reading = Task.CompletedTask;

    private Browser(Process process, Scratch scratch) => (this.process, this.scratch) = (process, scratch);

    public static async Task<Browser> Start(uint uid)
    {
        var scratch = new Scratch();
        var folder = Directory.CreateDirectory(scratch["profile"]).FullName;
        Process.Start("chown", [$"{uid}:{uid}", folder]).WaitForExit();
        var start = new ProcessStartInfo("setpriv",
            [
                $"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--", Program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
                "--force-color-profile=srgb", "--remote-debugging-port=0", $"--user-data-dir={folder}", "about:blank",
            ])
        { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["HOME"] = folder;
        start.Environment.Remove("DBUS_SESSION_BUS_ADDRESS");
        var browser = new Browser(Process.Start(start)!, scratch);
        string? line;
        do
            line = await browser.process.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) ?? throw new InvalidOperationException("chromium ended");
        while (!Listening().IsMatch(line));
        // What it says later nobody reads, but it must not wait for that.
        _ = browser.process.StandardError.BaseStream.CopyToAsync(Stream.Null);
        _ = browser.process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        await browser.socket.ConnectAsync(new Uri(Listening().Match(line).Groups["url"].Value), CancellationToken.None);
        browser.reading = browser.Read();
        return browser;
    }

    /// <summary>Opens a window of its own, without anybody's cookies.</summary>
    public async Task<Tab> Open(bool hasScript, bool isDark, int width)
    {
        var context = (await Call("Target.createBrowserContext", [])).String("browserContextId");
        return await Tab.Open(this, context, hasScript, isDark, width);
    }

    public async Task<JsonNode> Call(string method, JsonObject parameters, string? session = null)
    {
        var id = Interlocked.Increment(ref last);
        var answer = calls[id] = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session is not null)
            call["sessionId"] = session;
        await sending.WaitAsync();
        try
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(call.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            sending.Release();
        }
        return await answer.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        await reading;
        socket.Dispose();
        sending.Dispose();
        process.Dispose();
        // Its helpers write to the folder a moment longer.
        await Eventually.Holds(() =>
        {
            try
            {
                scratch.Dispose();
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        });
    }

    private async Task Read()
    {
        var message = new MemoryStream();
        var buffer = new byte[1 << 16];
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close)
                    return;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                var said = JsonNode.Parse(message.ToArray())!;
                message.SetLength(0);
                if (said["id"]?.GetValue<int>() is { } id && calls.TryRemove(id, out var call))
                    if (said["error"] is { } error)
                        call.SetException(new InvalidOperationException(error.ToJsonString()));
                    else
                        call.SetResult(said["result"]!);
            }
        }
        catch (WebSocketException)
        {
            // The browser ended.
        }
    }

    [GeneratedRegex("DevTools listening on (?<url>ws://\\S+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Listening();
}

/// <summary>A tab of a browser.</summary>
internal sealed class Tab
{
    private static readonly Lazy<string> Axe = new(() =>
    {
        using var script = Assembly.Load("Deque.AxeCore.Commons").GetManifestResourceStream("Deque.AxeCore.Commons.Resources.axe.min.js")!;
        return new StreamReader(script).ReadToEnd();
    });

    private readonly Browser browser;
    private readonly string context;
    private readonly string session;
    private readonly (bool HasScript, bool IsDark, int Width) look;

    private Tab(Browser browser, string context, string session, (bool, bool, int) look) => (this.browser, this.context, this.session, this.look) = (browser, context, session, look);

    public static async Task<Tab> Open(Browser browser, string context, bool hasScript, bool isDark, int width)
    {
        var target = (await browser.Call("Target.createTarget", new JsonObject { ["url"] = "about:blank", ["browserContextId"] = context })).String("targetId");
        var session = (await browser.Call("Target.attachToTarget", new JsonObject { ["targetId"] = target, ["flatten"] = true })).String("sessionId");
        var tab = new Tab(browser, context, session, (hasScript, isDark, width));
        await tab.Call("Page.enable", []);
        await tab.Call("Runtime.enable", []);
        if (!hasScript)
            await tab.Call("Emulation.setScriptExecutionDisabled", new JsonObject { ["value"] = true });
        await tab.Looks(isDark, width);
        return tab;
    }

    /// <summary>A second tab of the same window, with the same cookies.</summary>
    public Task<Tab> Another() => Open(browser, context, look.HasScript, look.IsDark, look.Width);

    public async Task Looks(bool isDark, int width = 1280, int height = 800, double scale = 1)
    {
        await Call("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(Feature("prefers-color-scheme", isDark ? "dark" : "light"), Feature("prefers-reduced-motion", "reduce")) });
        await Call("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = scale, ["mobile"] = false });
    }

    /// <summary>Makes it the one that a person sees: the others of its window ask for no news meanwhile.</summary>
    public Task Front() => Call("Page.bringToFront", []);

    /// <summary>Lets scripts read the clipboard, which a page may do only with the person's permission and in front.</summary>
    public async Task MayReadTheClipboard()
    {
        await browser.Call("Browser.grantPermissions", new JsonObject { ["permissions"] = new JsonArray("clipboardReadWrite", "clipboardSanitizedWrite"), ["browserContextId"] = context });
        await Call("Emulation.setFocusEmulationEnabled", new JsonObject { ["enabled"] = true });
        await Front();
    }

    /// <summary>Goes to an address, and waits until it is there.</summary>
    public async Task Goto(string url)
    {
        // An address that differs in its fragment only loads nothing.
        await Call("Page.navigate", new JsonObject { ["url"] = "about:blank" });
        await Eventually.Holds(async () => await Js("location.href") == "about:blank", "an empty page");
        await Call("Page.navigate", new JsonObject { ["url"] = url });
        await Eventually.Holds(async () => await Js("document.readyState === 'complete' && location.href !== 'about:blank'") == "true", $"{url} is loaded");
    }

    /// <summary>The value of an expression as text. The page's own content may be on its way out.</summary>
    public async Task<string> Js(string expression)
    {
        try
        {
            var result = await Call("Runtime.evaluate", new JsonObject { ["expression"] = $"(async () => String(await ({expression})))()", ["awaitPromise"] = true, ["returnByValue"] = true });
            return result["exceptionDetails"] is { } fault ? $"fault: {fault.ToJsonString()}" : result["result"]!["value"]?.GetValue<string>() ?? "";
        }
        catch (InvalidOperationException e) when (e.Message.Contains("context", StringComparison.Ordinal) || e.Message.Contains("navigated", StringComparison.Ordinal))
        {
            return "";
        }
    }

    public Task<string> Text() => Js("document.body?.innerText ?? ''");

    public Task<string> Title() => Js("document.title");

    public Task Sees(string text) => Holds($"document.body?.innerText.includes({Quoted(text)})", $"the page shows \"{text}\"");

    public Task Has(string selector) => Holds($"document.querySelector({Quoted(selector)}) !== null", $"the page has {selector}");

    public async Task Holds(string condition, string said)
    {
        try
        {
            await Eventually.Holds(async () => await Js(condition) == "true", said);
        }
        catch (Xunit.Sdk.TrueException)
        {
            Assert.Fail($"it never came about: {said}\n{await Js("location.href")}\n{await Text()}");
        }
    }

    /// <summary>Clicks where a person would: in the middle of what is there.</summary>
    public async Task Click(string selector)
    {
        await Has(selector);
        var place = await Js($$"""(() => { const one = document.querySelector({{Quoted(selector)}}); one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect(); return `${box.x + box.width / 2} ${box.y + box.height / 2}`; })()""");
        var (x, y) = place.Split(' ') is [var left, var top] ? (double.Parse(left), double.Parse(top)) : throw new InvalidOperationException(place);
        foreach (var type in (string[])["mousePressed", "mouseReleased"])
            await Call("Input.dispatchMouseEvent", new JsonObject { ["type"] = type, ["x"] = x, ["y"] = y, ["button"] = "left", ["clickCount"] = 1 });
    }

    /// <summary>Clicks what loads another page, and waits until it is there.</summary>
    public async Task Go(string selector)
    {
        await Js("void (document.body.dataset.left = 'yes')");
        await Click(selector);
        await Holds("document.readyState === 'complete' && !!document.body && !document.body.dataset.left", $"{selector} leads to another page");
    }

    public async Task Types(string selector, string text)
    {
        await Has(selector);
        await Js($"document.querySelector({Quoted(selector)}).focus()");
        await Call("Input.insertText", new JsonObject { ["text"] = text });
    }

    /// <summary>Presses a key of the keyboard, by its name or its letter.</summary>
    public async Task Press(string key)
    {
        var (code, text) = key switch { "Tab" => (9, ""), "Enter" => (13, "\r"), "Escape" => (27, ""), " " => (32, " "), _ => (char.ToUpperInvariant(key[0]), key) };
        var press = new JsonObject { ["type"] = text.Length > 0 ? "keyDown" : "rawKeyDown", ["key"] = key, ["windowsVirtualKeyCode"] = code };
        if (text.Length > 0)
            press["text"] = text;
        await Call("Input.dispatchKeyEvent", press);
        await Call("Input.dispatchKeyEvent", new JsonObject { ["type"] = "keyUp", ["key"] = key, ["windowsVirtualKeyCode"] = code });
    }

    /// <summary>What axe-core finds wrong with the page, one line each.</summary>
    public async Task<string> Faults()
    {
        await Call("Runtime.evaluate", new JsonObject { ["expression"] = Axe.Value });
        return await Js("axe.run(document, {resultTypes: ['violations']}).then(all => all.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary} ${node.html}`.replaceAll('\\n', ' '))).join('\\n'))");
    }

    /// <summary>Shows the page as a printer would get it.</summary>
    public Task OnPaper() => Call("Emulation.setEmulatedMedia", new JsonObject { ["media"] = "print" });

    /// <summary>Prints the page on the paper that it asks for.</summary>
    public async Task<byte[]> Pdf() =>
        Convert.FromBase64String((await Call("Page.printToPDF", new JsonObject { ["preferCSSPageSize"] = true, ["printBackground"] = true })).String("data"));

    public async Task<byte[]> Screenshot() => Convert.FromBase64String((await Call("Page.captureScreenshot", new JsonObject { ["format"] = "png" })).String("data"));

    private Task<JsonNode> Call(string method, JsonObject parameters) => browser.Call(method, parameters, session);

    private static JsonObject Feature(string name, string value) => new() { ["name"] = name, ["value"] = value };

    private static string Quoted(string text) => JsonSerializer.Serialize(text);
}

/// <summary>Reading what the browser answers.</summary>
internal static class Nodes
{
    public static string String(this JsonNode node, string name) => node[name]!.GetValue<string>();
}
