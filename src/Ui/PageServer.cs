using System.Net;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Pages;
using CertAuthority.Ui.Serving;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace CertAuthority.Ui;

/// <summary>Serves the page on loopback until the person leaves.</summary>
internal sealed class PageServer : IDisposable
{
    private const string HtmlType = "text/html; charset=utf-8";
    private const string Text = "text/plain; charset=utf-8";

    private const string EnterPath = "/enter";
    private const string LeavePath = "/leave";
    private const string LivePath = "/live";

    private readonly Desk desk;
    private readonly Entry entry;
    private readonly PageLife life;
    private readonly TimeProvider clock;
    private readonly Door door;
    private readonly Messages messages = new();
    private readonly CancellationTokenSource left = new();
    private readonly Action entered;

    private PageServer(Desk desk, Entry entry, PageLife life, TimeProvider clock, string authority, Action entered)
    {
        (this.desk, this.entry, this.life, this.clock, this.entered) = (desk, entry, life, clock, entered);
        door = new Door(authority, entry);
    }

    /// <summary>Serves the page until its life is over, the person leaves it, or the call is cancelled.</summary>
    /// <param name="desk">What it may do.</param>
    /// <param name="port">The port; 0 for any.</param>
    /// <param name="life">When it ends by itself.</param>
    /// <param name="clock">The time.</param>
    /// <param name="serving">Gets its address, with the token, once it is served.</param>
    /// <param name="entered">Called when the token is exchanged.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why it ended.</returns>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<PageEnd> Serve(
        Desk desk, int port, PageLife life, TimeProvider clock, Action<string> serving, Action entered, CancellationToken cancellation)
    {
        var entry = new Entry();
        // No configuration, no environment, no log: nothing but the listener below may open a port.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 << 10;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 << 10;
            kestrel.Limits.MaxConcurrentConnections = 200;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection => Identify(connection, next));
            });
        });
        // Not disposed: that waits for connections, and the process ends with the page.
        var app = builder.Build();
        // The port is known once it is served; a call that comes first waits for that.
        var started = new TaskCompletionSource<PageServer>(TaskCreationOptions.RunContinuationsAsynchronously);
        app.Run(async context => await (await started.Task).Answer(context));
        await app.StartAsync(cancellation);
        var address = app.Urls.Single();
        using var server = new PageServer(desk, entry, life, clock, new Uri(address).Authority, entered);
        started.SetResult(server);
        serving($"{address}/#{entry.Token}");
        using var leaves = CancellationTokenSource.CreateLinkedTokenSource(cancellation, server.left.Token);
        try
        {
            return await life.IsOver(leaves.Token);
        }
        catch (OperationCanceledException)
        {
            return cancellation.IsCancellationRequested ? PageEnd.Interrupted : PageEnd.Left;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => left.Dispose();

    // The account at the other end is asked for once, while the connection is certainly on the kernel's list.
    private static Task Identify(ConnectionContext connection, ConnectionDelegate next)
    {
        connection.Items[nameof(LoopbackPeer)] = connection is { RemoteEndPoint: IPEndPoint peer, LocalEndPoint: IPEndPoint own }
            && LoopbackPeer.BelongsTo(peer, own, Accounts.OwnUid);
        return next(connection);
    }

    private async Task Answer(HttpContext context)
    {
        Protect(context.Response.Headers);
        if (door.Refusal(CallOf(context)) is var (status, why))
        {
            await Write(context, Text, why + "\n", status);
            return;
        }
        var path = context.Request.Path.Value ?? "/";
        if (Assets.Find(path) is var (type, content) && context.Request.Method == "GET")
        {
            await using (content)
            {
                context.Response.ContentType = type;
                await content.CopyToAsync(context.Response.Body, context.RequestAborted);
            }
            return;
        }
        try
        {
            if (context.Request is { Method: "POST", Path.Value: EnterPath })
                await Enter(context);
            else if (!door.Admits(context.Request.Cookies[door.Cookie]))
                await Write(context, HtmlType, await Html.Render<EnterView, EnterModel>(new EnterModel(desk.Program, entry.IsUsed)), 401);
            else
                await Admitted(context, path);
        }
        catch (BadHttpRequestException bad)
        {
            await Write(context, Text, bad.Message + "\n", bad.StatusCode);
        }
        catch (InvalidDataException)
        {
            await Write(context, Text, "this is no form\n", StatusCodes.Status400BadRequest);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested || left.IsCancellationRequested)
        {
            // Nobody reads the answer.
        }
        catch (Exception fault) when (!context.Response.HasStarted)
        {
            // The last resort, as in the terminal: the page goes on.
            await Write(
                context, Text, $"a fault of {desk.Program} itself: {fault.GetType().Name}: {fault.Message}\n",
                StatusCodes.Status500InternalServerError);
        }
    }

    private static Call CallOf(HttpContext context) => new(
        context.Features.Get<IConnectionItemsFeature>()?.Items[nameof(LoopbackPeer)] is true, context.Request.Method,
        context.Request.Headers.Host.ToString(), context.Request.Headers.Origin is [{ } origin] ? origin : null,
        context.Request.ContentType);

    private static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy =
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        // Not no-referrer: with that, a browser sends "Origin: null" with the forms of this very page.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    private async Task Enter(HttpContext context)
    {
        var form = Fields.Of(await context.Request.ReadFormAsync(context.RequestAborted));
        // Pasted with or without the #.
        if (entry.Exchange((form["token"] ?? "").TrimStart('#')) is not { } session)
        {
            var model = new EnterModel(desk.Program, entry.IsUsed, IsWrong: true);
            await Write(context, HtmlType, await Html.Render<EnterView, EnterModel>(model), 403);
            return;
        }
        life.Touch();
        entered();
        context.Response.Cookies.Append(
            door.Cookie, session, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = "/";
    }

    private async Task Admitted(HttpContext context, string path)
    {
        var isPost = context.Request.Method == "POST";
        if (path != LivePath)
            life.Touch();
        if (isPost && path == LeavePath)
        {
            await Write(context, HtmlType, await Html.Render<LeftView, string>(desk.Program));
            await context.Response.CompleteAsync();
            await left.CancelAsync();
            return;
        }
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, left.Token);
        var form = isPost ? Fields.Of(await context.Request.ReadFormAsync(gone.Token)) : new Fields(_ => default);
        var visit = new Visit(desk, Fields.Of(context.Request.Query), form, clock.GetUtcNow(), gone.Token);
        await Send(context, visit, await Ask(visit, context.Request.Method, path));
    }

    private static async Task<Answer> Ask(Visit visit, string method, string path)
    {
        try
        {
            return PageTable.Find(visit.Desk, method, path) is { } page
                ? await page(visit)
                : Nothing("There is no such page", 404);
        }
        catch (ProblemException refused) when (method == "POST")
        {
            return new Answer.Go(BackFrom(visit), Refusals.Of(refused.Problem, visit.Desk));
        }
        catch (UnreachableException gone) when (method == "POST")
        {
            return new Answer.Go(BackFrom(visit), Refusals.Of(gone));
        }
        catch (ProblemException refused)
        {
            return Nothing("That does not work", refused.Problem.Status, Refusals.Of(refused.Problem, visit.Desk));
        }
        catch (UnreachableException gone)
        {
            return Nothing("The daemon does not answer", 503, Refusals.Of(gone));
        }
    }

    private static Answer.Page Nothing(string title, int status, params Said[] said) =>
        new(title, "", Command: null, Html.Part<RefusedView, Said[]>(said), status == 503 ? Live.Down : null, status);

    // Only to paths of this page, whatever the form says.
    private static string BackFrom(Visit visit) => Places.Back(visit.Form["back"], visit.Form["id"]);

    private async Task Send(HttpContext context, Visit visit, Answer answer)
    {
        switch (answer)
        {
            case Answer.Page page:
                await Write(
                    context, HtmlType, await Html.Render<FrameView, Frame>(await Around(page, visit)), page.Status);
                break;
            case Answer.Go go:
                var to = go.Said is [] ? go.To : $"{go.To}{(go.To.Contains('?') ? '&' : '?')}said={messages.Keep(go.Said)}";
                context.Response.StatusCode = StatusCodes.Status303SeeOther;
                context.Response.Headers.Location = to;
                break;
            case Answer.Download file:
                context.Response.ContentType = file.Type;
                context.Response.Headers.ContentDisposition = $"attachment; filename=\"{file.Name}\"";
                await using (var writer = new StreamWriter(context.Response.Body, leaveOpen: true))
                    await file.Write(writer);
                break;
            case Answer.Plain plain:
                await Write(context, Text, plain.Text);
                break;
        }
    }

    private async Task<Frame> Around(Answer.Page page, Visit visit)
    {
        var (who, waiting) = await Header(visit);
        return new Frame
        {
            Title = page.Title,
            At = page.Tab,
            Tabs = PageTable.Tabs(visit.Desk),
            Body = page.Body,
            Command = page.Command,
            Live = page.Live,
            Program = visit.Desk.Program,
            Who = who,
            Waiting = waiting,
            Said = messages.Of(visit.Query["said"]),
        };
    }

    // The page is shown without them while the daemon does not answer.
    private static async Task<(string Who, string Waiting)> Header(Visit visit)
    {
        try
        {
            return (await visit.Desk.Who(visit.Cancellation), await visit.Desk.CountWaiting(visit.Cancellation));
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return ("", "");
        }
    }

    private static async Task Write(HttpContext context, string type, string text, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        await context.Response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>The command handles signals, and ends the server itself.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
