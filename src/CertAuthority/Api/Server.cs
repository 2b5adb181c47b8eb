using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Users;
using CertAuthority.Metrics;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting.Systemd;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;
using Route = CertAuthority.Protocol.Route;

namespace CertAuthority.Api;

/// <summary>The HTTP server in front of the route table. It is the only part that serves sockets.</summary>
internal static class Server
{
    private static readonly TimeSpan BodyWithin = TimeSpan.FromSeconds(10);
    private static readonly RateLimit<string> Faults = new(TimeProvider.System);
    private static readonly TimeSpan DrainFor = TimeSpan.FromSeconds(8);

    /// <summary>Creates the server without starting it.</summary>
    /// <param name="listeners">The source of connections.</param>
    /// <param name="services">
    /// The services that run in the same process: started in this order before the server, stopped in reverse order after it.
    /// </param>
    /// <param name="systemd">Gets a message when all services have started, and when they stop.</param>
    /// <param name="drain">Counts connections.</param>
    /// <param name="logs">The log of the whole daemon.</param>
    public static WebApplication Build(
        IReadOnlyCollection<Listener> listeners, IEnumerable<IHostedService> services, ISystemdNotifier systemd, Drain drain,
        ILoggerFactory logs)
    {
        // Reloading would watch every folder below the one in which the daemon was started, which is / for a service.
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        // The daemon has its own settings only; a stray appsettings.json or ASPNETCORE_URLS must not open a port.
        builder.Configuration.Sources.Clear();
        builder.Services.AddSingleton(logs);
        // Registered by name, because AddSystemd() does nothing unless the parent process is called systemd: in a container, or under a
        // program that passes NOTIFY_SOCKET on, it is not.
        builder.Services.AddSingleton<IHostLifetime, SystemdLifetime>();
        builder.Services.AddSingleton(systemd);
        foreach (var service in services)
            builder.Services.AddSingleton(service);
        builder.Services.AddSingleton<IConnectionListenerFactory>(
            new Listeners(listeners.ToDictionary(listener => listener.EndPoint.ToString()!)));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainFor);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // The server does not wait for a body that no row reads.
            kestrel.Limits.MaxRequestBodySize = 64 << 10;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
            kestrel.Limits.MaxRequestLineSize = 4 << 10;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
            foreach (var listener in listeners)
                kestrel.ListenUnixSocket(listener.EndPoint.ToString()!, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.Use(next => connection => Attend(connection, drain, next));
                });
        });
        return builder.Build();
    }

    /// <summary>Maps every row of the table to its path.</summary>
    public static void Serve(WebApplication app, Serving serving, Drain drain, ILogger log)
    {
        foreach (var row in RouteTable.Rows)
            app.MapMethods(row.Route.Path, [row.Route.Method], async context =>
            {
                using var counted = drain.Call();
                await Answer(context, row, Dispatch(context, row, serving, log), drain, log);
            });
        // Not the default pattern, which excludes paths that look like file names.
        app.MapFallback("{**path}", context => Answer(context, null, Task.FromException<Stream>(NoSuchRoute()), drain, log));
    }

    /// <summary>Serves a connection, and then gives its place back.</summary>
    private static async Task Attend(ConnectionContext connection, Drain drain, ConnectionDelegate next)
    {
        using var counted = drain.Connection();
        using var place = connection.Features.Get<ConnectionOwner>()!.Place;
        using var presence = Presence.Watch(connection);
        await next(connection);
    }

    private static ProblemException Alone(string? leader) => new(new Problem(
        ProblemCode.Elsewhere, $"another daemon leads{(leader is null ? "" : $", on {leader}")}, and does this alone", "call that one"));

    private static ProblemException NoSuchRoute() =>
        new(new Problem(ProblemCode.NotFound, "there is no such route", "docs/protocol.md lists them"));

    private static async Task<Stream> Dispatch(HttpContext context, Row row, Serving serving, ILogger log)
    {
        var place = context.Features.Get<ConnectionOwner>()!.Place;
        place.Begin();
        try
        {
            return await Call(context, row, serving, log);
        }
        finally
        {
            place.End();
        }
    }

    private static async Task<Stream> Call(HttpContext context, Row row, Serving serving, ILogger log)
    {
        var (ca, callers) = serving.Now();
        var guest = context.Features.Get<ConnectionOwner>()!;
        var caller = await callers.Of(guest.Peer, guest.Place.Standing);
        var outside = Outside(context, row.Route).ToList();
        JsonObject? body = null;
        try
        {
            if (ca.Follows && !row.Anywhere)
                throw Alone(ca.Database.Leader);
            if (!UnixIdentity.IsSomebody(caller.Identity.Uid.Number))
                throw new ProblemException(new Problem(ProblemCode.Denied, "the kernel does not say who you are"));
            if (caller.Unnamed is { } why && !(caller.IsRoot && (row.TakesAway || row.Route.Method == "GET")))
                throw Callers.Unavailable(why);
            await Expect(callers);
            body = row.Route.UsesQuery ? null : await Body(context, row);
            var answer = await row.Run(ca, caller, body, outside);
            // A call that waited can outlast the right to what it read: a reload takes the right away at once.
            if (row.Route.Method == "GET")
                await Expect(serving.Now().Callers);
            return answer;
        }
        catch (ProblemException refused) when (Refusals.AreOfAccess(row.Route, refused.Problem.Code))
        {
            try
            {
                await Refusals.Record(
                    ca, caller, guest.CountedAs, new RefusedCall(row.Route, RefusedCall.WhatWasSaid(body, outside), refused.Problem));
            }
            catch (Exception e) when (e is ProblemException or OutcomeUnknownException)
            {
                // The caller is refused all the same.
                log.LogWarning("a refusal of {Caller} is not in the audit: {Why}", caller.Name, e.Message);
            }
            throw;
        }

        async Task Expect(Callers now)
        {
            if (!await now.May(caller, row.Who, guest.Place.Standing))
                throw await now.Refusal(caller, row.Who, guest.Place.Standing);
        }
    }

    private static async Task<JsonObject?> Body(HttpContext context, Row row)
    {
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = row.LargestBody;
        using var bytes = new MemoryStream();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(BodyWithin);
        try
        {
            await context.Request.Body.CopyToAsync(bytes, limit.Token);
        }
        catch (OperationCanceledException late) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw new BadHttpRequestException("the body comes too slowly", StatusCodes.Status408RequestTimeout, late);
        }
        // For a chunked body with invalid chunk lengths, the server has no more specific error.
        catch (IOException malformed) when (malformed is not BadHttpRequestException && !context.RequestAborted.IsCancellationRequested)
        {
            throw new BadHttpRequestException("the body is not well-formed HTTP", malformed);
        }
        if (bytes.Length == 0)
            return null;
        var body = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        ExpectText(body);
        var json = JsonNode.Parse(body, null, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
        return json as JsonObject ?? throw new JsonException("the body is not an object");
    }

    /// <summary>
    /// Checks every text of a message once. Invalid UTF-8 and escapes of half a character would otherwise surface later, wherever a text is
    /// used.
    /// </summary>
    private static void ExpectText(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 16 });
        try
        {
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    reader.GetString();
        }
        catch (InvalidOperationException halfACharacter)
        {
            throw new JsonException("a text of the message is not Unicode", halfACharacter);
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Outside(HttpContext context, Route route) =>
        context.Request.RouteValues.Select(value => KeyValuePair.Create(value.Key, value.Value?.ToString() ?? ""))
            .Concat(context.Request.Query.SelectMany(query => query.Value.Select(value => KeyValuePair.Create(query.Key, value ?? ""))))
            .Concat((route.TakesKey ? context.Request.Headers[Route.KeyHeader] : default)
                .Select(key => KeyValuePair.Create("idempotency_key", key ?? "")));

    private static async Task Answer(HttpContext context, Row? row, Task<Stream> call, Drain drain, ILogger log)
    {
        Stream answer;
        try
        {
            answer = await call;
            context.Response.ContentType = row?.ContentType;
        }
        catch (Exception e)
        {
            // Whatever it was, it becomes an answer: this is the edge of the daemon.
            if (context.RequestAborted.IsCancellationRequested)
                return;
            var problem = Problem(e, log);
            Instruments.CallsRefused.Add((int)problem.Code);
            if (row?.Route == Routes.Login)
                Instruments.LoginsRefused.Add((int)problem.Code);
            // Does not wait for the rest of a message that was given up.
            if (problem.Code == ProblemCode.Limited)
                context.Response.Headers.Connection = "close";
            context.Response.StatusCode = problem.Status;
            context.Response.ContentType = "application/problem+json";
            answer = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(problem, ProtocolJson.Strict.Of<Problem>()));
        }
        await using (answer)
        {
            if (drain.HasBegun)
                context.Response.Headers.Connection = "close";
            context.Response.ContentLength = answer.Length;
            await answer.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
    }

    /// <summary>
    /// Returns what a caller may see of an error. An error that is not one of ours is a bug in this program: it is logged in full and
    /// reported as such.
    /// </summary>
    private static Problem Problem(Exception error, ILogger log)
    {
        switch (error)
        {
            case ProblemException known:
                return known.Problem;
            case JsonException json:
                return new Problem(
                    ProblemCode.Invalid,
                    $"the message does not fit this route: a member is missing, unknown, repeated or of another type ({json.Path ?? "$"})",
                    "docs/protocol.md shows the message");
            case BadHttpRequestException { StatusCode: 413 }:
                return new Problem(ProblemCode.Limited, "the message is too long");
            case BadHttpRequestException { StatusCode: 408 }:
                return new Problem(ProblemCode.Limited, "the message comes too slowly");
            case BadHttpRequestException:
                return new Problem(ProblemCode.Invalid, "the message is not well-formed HTTP");
            case StoreException damaged:
                log.LogError("a call failed: {Why}", Printable.Escape(damaged.Message));
                return new Problem(
                    ProblemCode.Unavailable, "a row of the database cannot be read, so nothing was decided",
                    "docs/operating.md says how to mend or remove it", Next: [new NextStep.ShowDaemonStatus()]);
            case OutcomeUnknownException:
                return new Problem(
                    ProblemCode.Internal, "the database failed while writing; whether this was done is not known",
                    "the daemon stops; look again when it runs");
            default:
                // A caller who finds a bug must not be able to fill the log with it: one line a minute for each place where calls fail.
                if (Faults.TryTake($"{error.GetType().FullName} {error.StackTrace?.Split('\n', 2)[0]}", 1, out _))
                    log.LogError(error, "a call failed; failures of the same sort within a minute are not logged");
                return new Problem(ProblemCode.Internal, "the daemon failed; its log says why");
        }
    }
}
